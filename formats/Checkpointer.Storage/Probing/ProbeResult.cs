using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.Probing;

/// <summary>What came of one check.</summary>
public sealed record ProbeResult
{
    /// <summary>Which check.</summary>
    public required ProbeCheck Check { get; init; }

    /// <summary>How it ended.</summary>
    public required ProbeOutcome Outcome { get; init; }

    /// <summary>How long it took, retries of the store included.</summary>
    public required double Milliseconds { get; init; }

    /// <summary>What is wrong; null if nothing is.</summary>
    public string? Problem { get; init; }

    /// <summary><see cref="Problem"/> without what differs each time it is met; null if the store answered.</summary>
    public string? Cause { get; init; }

    /// <summary>How to mend that; null if nothing is wrong.</summary>
    public string? Remedy { get; init; }

    /// <summary>Why the store was unavailable; null if it was not.</summary>
    public ErrorCode? Error { get; init; }
}
