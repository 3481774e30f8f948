using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Events;

/// <summary>
/// What fenced-out attempts began to save and the run never heard of is never taken as a checkpoint any more, so that its
/// objects may be deleted.
/// </summary>
internal sealed record FencedSavesCondemned : RunEvent
{
    /// <summary>The newest attempt that this concerns; the current one comes after it.</summary>
    public required Attempt Through { get; init; }

    /// <summary>What the current attempt resumed from and goes on saving; null: from scratch, or from what was condemned before.</summary>
    public CheckpointId? Except { get; init; }
}
