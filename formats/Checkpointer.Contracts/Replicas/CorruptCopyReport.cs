using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Replicas;

/// <summary>
/// <c>POST /v1/runs/{run}/corrupt-copies</c>, agent to service: it was to hold a copy of another node's image, and what it reads
/// of that stays wrong, however often it is read again. An incident, once for each image and pair of nodes. Idempotent; a stale
/// attempt's is refused.
/// </summary>
public sealed record CorruptCopyReport
{
    /// <summary>Longest message, in characters.</summary>
    public const int MaxMessageLength = 1024;

    /// <summary>The attempt that the copy was to be made in.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>What it was to be a copy of.</summary>
    public required CheckpointId Checkpoint { get; init; }

    /// <summary>The rank whose image that is.</summary>
    public required Rank Rank { get; init; }

    /// <summary>The node that has the image, and offered it.</summary>
    public required string From { get; init; }

    /// <summary>The node that was to hold the copy.</summary>
    public required string Node { get; init; }

    /// <summary>What was met, for people.</summary>
    public required string Message { get; init; }
}
