using System.Text;
using Checkpointer.FaultProxy.Faults;

namespace Checkpointer.FaultProxy.Relaying;

/// <summary>The answers that the proxy gives in the server's place, in the form S3 servers give them.</summary>
internal static class FaultAnswers
{
    /// <summary>The whole answer, or null for a kind that is no answer.</summary>
    public static byte[]? For(Fault fault, bool closes, bool withBody)
    {
        if (Parts(fault.Kind) is not { } parts)
        {
            return null;
        }

        var body = $"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{parts.Code}</Code>"
            + $"<Message>{parts.Message}</Message><RequestId>tx-injected</RequestId></Error>";
        var mayAskToWait = fault.Kind is FaultKind.SlowDown or FaultKind.TooManyRequests;
        return Encoding.ASCII.GetBytes(
            $"HTTP/1.1 {parts.Status}\r\nContent-Type: application/xml\r\nContent-Length: {body.Length}\r\n"
            + (mayAskToWait && fault.Place < 0.5 ? "Retry-After: 1\r\n" : "")
            + (closes ? "Connection: close\r\n\r\n" : "\r\n")
            + (withBody ? body : ""));
    }

    private static (string Status, string Code, string Message)? Parts(FaultKind kind) => kind switch
    {
        FaultKind.InternalError =>
            ("500 Internal Server Error", "InternalError", "We encountered an internal error. Please try again."),
        FaultKind.SlowDown => ("503 Slow Down", "SlowDown", "Please reduce your request rate."),
        FaultKind.TooManyRequests => ("429 Too Many Requests", "TooManyRequests", "Please reduce your request rate."),
        FaultKind.SkewedClock => (
            "403 Forbidden",
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large."),
        FaultKind.ExpiredToken => ("403 Forbidden", "ExpiredToken", "The provided token has expired."),
        _ => null,
    };
}
