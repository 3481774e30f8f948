using System.Text.Json;
using Checkpointer.Formats.Errors;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Contracts.Problems;

/// <summary>
/// Turns whatever an endpoint throws into a problem with an <see cref="ErrorCode"/>: the code of a
/// <see cref="CheckpointerException"/>; <c>limit_exceeded</c> for a body that is too large; <c>invalid_request</c> for what
/// does not bind or parse; <c>internal</c> for anything else, whose text stays in the log and never leaves the process.
/// </summary>
public sealed partial class ProblemExceptionHandler(ILogger<ProblemExceptionHandler> logger) : IExceptionHandler
{
    private const int ClientClosedRequest = 499;

    /// <inheritdoc/>
    public async ValueTask<bool> TryHandleAsync(
        HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is OperationCanceledException && httpContext.RequestAborted.IsCancellationRequested)
        {
            httpContext.Response.StatusCode = ClientClosedRequest;
            return true;
        }

        var problem = Translate(exception);
        if (problem.Code == CheckpointerProblem.NameOf(ErrorCode.Internal))
        {
            LogUnexpected(exception, httpContext.Request.Method, httpContext.Request.Path);
        }
        else
        {
            LogRefused(httpContext.Request.Method, httpContext.Request.Path, problem.Code, problem.Detail);
        }

        await problem.WriteAsync(httpContext, cancellationToken);
        return true;
    }

    private static Problem Translate(Exception exception) => exception switch
    {
        CheckpointerException known => ProblemWriting.Create(known.Code, known.Message, known.IsTransient),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } =>
            ProblemWriting.Create(ErrorCode.LimitExceeded, "The request body is larger than this call permits."),
        BadHttpRequestException { InnerException: JsonException json } => Malformed(json),
        BadHttpRequestException bad => ProblemWriting.Create(ErrorCode.InvalidRequest, bad.Message),
        JsonException json => Malformed(json),
        _ => ProblemWriting.Create(ErrorCode.Internal, "An unexpected error; the log of this process has the details."),
    };

    private static Problem Malformed(JsonException json) =>
        ProblemWriting.Create(ErrorCode.InvalidRequest, $"The body is not what this call takes: {json.Message}");
}
