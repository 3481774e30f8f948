using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Runs.Joining;

namespace Checkpointer.Service.Runs.Commands;

/// <summary>
/// A rank wants to join through an agent whose store is another repository than the service's. Always refused
/// (<c>store_mismatch</c>); a run that has an attempt keeps an incident of it, once for each agent and store.
/// </summary>
internal sealed record RefuseStore(JoinRun Body, string Explanation) : RunCommand<JoinResult>
{
    internal override Decision<JoinResult> Decide(RunState state, DateTimeOffset now) =>
        StoreDecisions.DecideMismatch(state, Body, Explanation, now);
}
