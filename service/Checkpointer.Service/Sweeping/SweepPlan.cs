using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Sweeping;

/// <summary>What a sweep of one run deletes, and why it leaves the rest.</summary>
/// <param name="Deleted">What goes, by step, then attempt.</param>
/// <param name="Kept">What stays although it has no manifest.</param>
/// <param name="Uncondemned">What could go once the run has condemned it.</param>
internal sealed record SweepPlan(
    IReadOnlyList<SweepFolder> Deleted,
    IReadOnlyDictionary<CheckpointId, KeepReason> Kept,
    IReadOnlyList<CheckpointId> Uncondemned);
