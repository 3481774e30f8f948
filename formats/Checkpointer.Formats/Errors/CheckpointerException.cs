namespace Checkpointer.Formats.Errors;

/// <summary>
/// The one exception type for failures in operation. <see cref="Code"/> says what failed; <see cref="IsTransient"/>
/// says whether the same call may succeed later, and is all that retrying looks at. The message says what happened,
/// to which run, step and rank, and what to do about it.
/// </summary>
public class CheckpointerException : Exception
{
    /// <summary>Creates the error.</summary>
    public CheckpointerException(ErrorCode code, string message, bool isTransient = false, Exception? inner = null)
        : base(message, inner)
    {
        Code = code;
        IsTransient = isTransient;
    }

    /// <summary>What happened, and the request's number at the end if there is one.</summary>
    public override string Message => RequestId is null ? base.Message : $"{base.Message} [request {RequestId}]";

    /// <summary>The message without what differs each time, such as <see cref="RequestId"/>: the same for every failure of one cause.</summary>
    public string Cause { get => field ?? base.Message; init; }

    /// <summary>What the operators of whoever failed can look the request up by; null if there is nothing. Differs each time.</summary>
    public string? RequestId { get; init; }

    /// <summary>What failed.</summary>
    public ErrorCode Code { get; }

    /// <summary>Whether the same call may succeed later without anyone mending anything.</summary>
    public bool IsTransient { get; }

    /// <summary>
    /// How long whoever failed asked to be left alone before the next try; null if it did not say. A hint beside
    /// <see cref="IsTransient"/>, never instead of it.
    /// </summary>
    public TimeSpan? RetryAfter { get; init; }
}
