using System.Text.Json;
using System.Text.RegularExpressions;
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
        BadHttpRequestException bad => ProblemWriting.Create(ErrorCode.InvalidRequest, Readable(bad.Message)),
        JsonException json => Malformed(json),
        _ => ProblemWriting.Create(ErrorCode.Internal, "An unexpected error; the log of this process has the details."),
    };

    // What the parser says names our types, which tells a caller nothing; the place tells everything.
    private static Problem Malformed(JsonException json) => ProblemWriting.Create(
        ErrorCode.InvalidRequest,
        "The body is not the JSON that this call takes: "
        + (json.Path is { Length: > 0 } path ? $"see {path}" : "see")
        + (json.LineNumber is { } line && json.BytePositionInLine is { } at ? $" at line {line + 1}, byte {at + 1}." : "."));

    /// <summary>The framework's words for a value of a route or query that does not parse, without the name of its type.</summary>
    private static string Readable(string message) =>
        Unbindable().Match(message) is { Success: true } unbindable
            ? $"'{unbindable.Groups["value"].Value}' is no {unbindable.Groups["name"].Value}."
            : message;

    [GeneratedRegex("^Failed to bind parameter \".* (?<name>[^ \"]+)\" from \"(?<value>.*)\"\\.$", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex Unbindable();
}
