using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.Repository;

/// <summary>What the last look at a store's repository found.</summary>
public sealed record RepositoryStatus
{
    /// <summary>What was found.</summary>
    public required RepositoryState State { get; init; }

    /// <summary>The repository that was last seen there, also if the store is unavailable now; null if none ever was.</summary>
    public RepositoryIdentity? Identity { get; init; }

    /// <summary>What is wrong, for people; null if nothing is.</summary>
    public string? Problem { get; init; }

    /// <summary><see cref="Problem"/> without what differs each time it is met, if anything does.</summary>
    public string? Cause { get; init; }

    /// <summary>The code of that.</summary>
    public ErrorCode? Error { get; init; }

    /// <summary>When the look ended; null before the first.</summary>
    public DateTimeOffset? CheckedAt { get; init; }
}
