using Checkpointer.Contracts.Agents;
using Checkpointer.Service.Runs.Failures;

namespace Checkpointer.Service.Runs.Commands;

/// <summary>An agent that had ranks of this run in training is gone; once for each silence.</summary>
/// <param name="Node">The agent's node.</param>
/// <param name="Ranks">The ranks of the run that its last heartbeat named, at least one.</param>
/// <param name="IsNode">Whether nothing of the node answers, rather than only the agent being gone.</param>
/// <param name="Evidence">What was seen, for people.</param>
internal sealed record RecordLoss(string Node, IReadOnlyList<RankActivity> Ranks, bool IsNode, string Evidence)
    : RunCommand<Acknowledged>
{
    internal override Decision<Acknowledged> Decide(RunState state, DateTimeOffset now) =>
        FailureDecisions.Decide(state, this, now);
}
