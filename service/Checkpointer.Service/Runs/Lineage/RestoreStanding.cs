using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Joining;

namespace Checkpointer.Service.Runs.Lineage;

/// <summary>
/// An attempt that has not yet restored on every rank: what is needed to make it another plan. Never changes; a later fact
/// makes a new one.
/// </summary>
internal sealed record RestoreStanding
{
    /// <summary>Who joined, and what their agents held.</summary>
    public required PendingIncarnation Joined { get; init; }

    /// <summary>What a rank could not restore: never tried again in this attempt.</summary>
    public required IReadOnlyList<CheckpointId> Failed { get; init; }

    /// <summary>Why no plan is left; null while there is one.</summary>
    public string? Impossible { get; init; }
}
