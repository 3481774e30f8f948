using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Runs.Joining;

namespace Checkpointer.Service.Runs.Commands;

/// <summary>
/// A rank of an incarnation has come up (<c>POST …/join</c>). The first join creates the run. Pending joins are answered
/// at once: whoever holds the call decides again after each later change.
/// </summary>
internal sealed record JoinRank(JoinRun Body) : RunCommand<JoinResult>
{
    internal override Decision<JoinResult> Decide(RunState state, DateTimeOffset now) => JoinDecisions.Decide(state, Body, now);
}
