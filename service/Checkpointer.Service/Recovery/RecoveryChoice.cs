using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Recovery;

/// <summary>From where an attempt is to resume.</summary>
internal sealed record RecoveryChoice
{
    /// <summary>The checkpoint or snapshot; null: from scratch.</summary>
    public CheckpointId? ResumeFrom { get; init; }

    /// <summary>One sentence or two for operators: why this one, and what newer ones were passed over and why.</summary>
    public required string Reason { get; init; }

    /// <summary>Copies that were not counted, because they can't be right.</summary>
    public required IReadOnlyList<CorruptCopy> CorruptCopies { get; init; }
}
