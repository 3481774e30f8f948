using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Checkpoints;

namespace Checkpointer.Service.Runs.Commands;

/// <summary>
/// A committing checkpoint's shards don't make one whole model, or an index or layout is not what was reported; its
/// manifest does not exist and won't. A repeat changes nothing.
/// </summary>
/// <param name="Checkpoint">Which.</param>
/// <param name="Reason">What is wrong, for people.</param>
/// <param name="Ranks">The ranks to blame; may be empty.</param>
internal sealed record RejectCommit(CheckpointId Checkpoint, string Reason, IReadOnlyList<Rank> Ranks)
    : RunCommand<Acknowledged>
{
    internal override Decision<Acknowledged> Decide(RunState state, DateTimeOffset now) =>
        CommitDecisions.DecideReject(state, Checkpoint, Reason, Ranks, now);
}
