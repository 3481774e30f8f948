using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Checkpoints;

namespace Checkpointer.Service.Runs.Commands;

/// <summary>
/// The manifest of a committing checkpoint exists in the store, written now or found equal to what would have been
/// written. A repeat changes nothing.
/// </summary>
internal sealed record CompleteCommit(CheckpointId Checkpoint) : RunCommand<Acknowledged>
{
    internal override Decision<Acknowledged> Decide(RunState state, DateTimeOffset now) =>
        CommitDecisions.DecideComplete(state, Checkpoint, now);
}
