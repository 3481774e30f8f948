using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Events;

/// <summary>A checkpoint's manifest exists.</summary>
internal sealed record CheckpointCommitted : RunEvent
{
    /// <summary>The checkpoint.</summary>
    public required CheckpointId Checkpoint { get; init; }
}
