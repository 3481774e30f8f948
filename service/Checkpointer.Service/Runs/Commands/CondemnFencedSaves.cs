using Checkpointer.Service.Runs.Checkpoints;

namespace Checkpointer.Service.Runs.Commands;

/// <summary>
/// What fenced-out attempts left in the store is to be deleted: from now on no shard of it is taken, also if a later attempt
/// resumes from its snapshot in memory. May be repeated.
/// </summary>
internal sealed record CondemnFencedSaves : RunCommand<Acknowledged>
{
    internal override Decision<Acknowledged> Decide(RunState state, DateTimeOffset now) =>
        SweepDecisions.DecideCondemn(state, now);
}
