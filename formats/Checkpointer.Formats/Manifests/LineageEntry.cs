using Checkpointer.Formats.Identity;

namespace Checkpointer.Formats.Manifests;

/// <summary>One attempt on the way to a checkpoint.</summary>
public sealed record LineageEntry
{
    /// <summary>The attempt.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>What it resumed from; null for a fresh start.</summary>
    public CheckpointId? ResumedFrom { get; init; }
}
