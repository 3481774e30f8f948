using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Runs.Lineage;

namespace Checkpointer.Service.Runs.Commands;

/// <summary>How one rank's restore went (<c>POST …/restores</c>).</summary>
internal sealed record RecordRestore(RestoreReport Body) : RunCommand<RestoreResult>
{
    internal override Decision<RestoreResult> Decide(RunState state, DateTimeOffset now) => RestoreDecisions.Decide(state, Body, now);
}
