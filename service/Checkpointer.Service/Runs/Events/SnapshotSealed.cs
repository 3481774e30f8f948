using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Events;

/// <summary>One rank's image of a step is sealed in memory.</summary>
internal sealed record SnapshotSealed : RunEvent
{
    /// <summary>The step and the attempt that captured it.</summary>
    public required CheckpointId Checkpoint { get; init; }

    /// <summary>The rank.</summary>
    public required Rank Rank { get; init; }

    /// <summary>Whether it is to become a durable checkpoint.</summary>
    public required bool Durable { get; init; }

    /// <summary>The image.</summary>
    public required SealedImage Image { get; init; }

    /// <summary>What was saved as the place in the data: JSON without insignificant white space. Of rank 0 only.</summary>
    public string? DataCursor { get; init; }

    /// <summary>By when the checkpoint has to be complete, if this begins one; null otherwise.</summary>
    public DateTimeOffset? DeadlineAt { get; init; }
}
