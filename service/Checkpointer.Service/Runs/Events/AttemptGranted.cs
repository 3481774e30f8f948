using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Events;

/// <summary>
/// Every rank of the pending incarnation has joined: it is the current attempt from here on, and all before it are fenced
/// out. Nodes, addresses and the sources of each image follow from the joins that were recorded, so that the event stays
/// small whatever the world size.
/// </summary>
internal sealed record AttemptGranted : RunEvent
{
    /// <summary>The attempt.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>The incarnation that it is granted to.</summary>
    public required string Incarnation { get; init; }

    /// <summary>What all ranks resume from; null: from scratch.</summary>
    public CheckpointId? ResumeFrom { get; init; }

    /// <summary>Why that one, for people.</summary>
    public required string Reason { get; init; }

    /// <summary>The new deadline of what it resumes from, if that is still being saved; null otherwise.</summary>
    public DateTimeOffset? DeadlineAt { get; init; }
}
