using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Events;

/// <summary>A step can't be sealed by every rank any more: it is given up for all, and its checkpoint with it.</summary>
internal sealed record SnapshotGivenUp : RunEvent
{
    /// <summary>The step and the attempt that would have captured it.</summary>
    public required CheckpointId Checkpoint { get; init; }

    /// <summary>The rank on whose account.</summary>
    public required Rank Rank { get; init; }

    /// <summary>Whether it was to become a durable checkpoint.</summary>
    public required bool Durable { get; init; }

    /// <summary>Why, for people.</summary>
    public required string Reason { get; init; }
}
