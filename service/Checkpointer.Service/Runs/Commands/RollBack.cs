using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Runs.Rollbacks;

namespace Checkpointer.Service.Runs.Commands;

/// <summary>The run is to go on from an earlier checkpoint (<c>POST …/rollbacks</c>).</summary>
internal sealed record RollBack(RequestRollback Body, RecalledShards? Recalled = null) : RunCommand<Rollback>
{
    internal override Decision<Rollback> Decide(RunState state, DateTimeOffset now) =>
        RollbackDecisions.Decide(state, Body, Recalled, now);
}
