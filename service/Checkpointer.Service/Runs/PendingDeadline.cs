using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs;

/// <summary>A checkpoint that has to be complete by a certain time.</summary>
/// <param name="Checkpoint">Which.</param>
/// <param name="At">When it is abandoned if it is still saving, UTC.</param>
internal readonly record struct PendingDeadline(CheckpointId Checkpoint, DateTimeOffset At);
