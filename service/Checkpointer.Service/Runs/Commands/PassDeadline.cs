using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Checkpoints;

namespace Checkpointer.Service.Runs.Commands;

/// <summary>
/// Time to look at a checkpoint's deadline (<see cref="RunState.PendingDeadlines"/>): abandons it if it is still saving and
/// the deadline has passed; changes nothing otherwise, so that a late or doubled timer does no harm.
/// </summary>
internal sealed record PassDeadline(CheckpointId Checkpoint) : RunCommand<Acknowledged>
{
    internal override Decision<Acknowledged> Decide(RunState state, DateTimeOffset now) =>
        CommitDecisions.DecideDeadline(state, Checkpoint, now);
}
