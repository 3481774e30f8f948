using Checkpointer.Formats.Errors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Checkpointer.Contracts.Problems;

/// <summary>Makes every error answer of an application a problem: thrown ones, unbindable requests and unknown routes.</summary>
public static class ProblemHosting
{
    /// <summary>Adds what <see cref="UseCheckpointerProblems"/> needs.</summary>
    public static IServiceCollection AddCheckpointerProblems(this IServiceCollection services)
    {
        services.AddExceptionHandler<ProblemExceptionHandler>();
        services.Configure<ExceptionHandlerOptions>(options => options.SuppressDiagnosticsCallback = _ => true);
        services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        return services;
    }

    /// <summary>Put this first in the pipeline.</summary>
    public static IApplicationBuilder UseCheckpointerProblems(this IApplicationBuilder app)
    {
        app.UseExceptionHandler(static _ => { });
        return app.UseStatusCodePages(static pages => FromStatus(pages.HttpContext));
    }

    private static Task FromStatus(HttpContext context)
    {
        var status = context.Response.StatusCode;
        var code = status switch
        {
            StatusCodes.Status404NotFound => ErrorCode.NotFound,
            StatusCodes.Status413PayloadTooLarge => ErrorCode.LimitExceeded,
            >= 500 => ErrorCode.Internal,
            _ => ErrorCode.InvalidRequest,
        };
        var detail = status switch
        {
            StatusCodes.Status404NotFound => "Nothing is at this address.",
            StatusCodes.Status405MethodNotAllowed => "This address does not take this method.",
            StatusCodes.Status413PayloadTooLarge => "The request body is larger than this call permits.",
            StatusCodes.Status415UnsupportedMediaType => "The body must be application/json.",
            _ => null,
        };
        return ProblemWriting.Create(code, detail, status: status).WriteAsync(context, context.RequestAborted);
    }
}
