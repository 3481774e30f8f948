using Checkpointer.Contracts.Agents;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Failures;

namespace Checkpointer.Service.Runs.Commands;

/// <summary>No step was completed for far longer than steps take; told once for each step.</summary>
/// <param name="Attempt">The attempt that hangs.</param>
/// <param name="LastStep">The last step in the ledger: if there is a newer one by now, nothing hangs.</param>
/// <param name="Ranks">The ranks that are furthest behind, at least one.</param>
/// <param name="Node">Node of the first of them.</param>
/// <param name="Evidence">What it is concluded from, for people.</param>
internal sealed record RecordHang(
    Attempt Attempt, Step LastStep, IReadOnlyList<RankActivity> Ranks, string Node, string Evidence) : RunCommand<Acknowledged>
{
    internal override Decision<Acknowledged> Decide(RunState state, DateTimeOffset now) =>
        FailureDecisions.Decide(state, this, now);
}
