using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Runs.Commands;

namespace Checkpointer.Service.Runs.Lineage;

/// <summary>What a restore report comes to.</summary>
internal static class RestoreDecisions
{
    public static Decision<Acknowledged> Decide(RunState state, RestoreReport body, DateTimeOffset now) => throw new NotImplementedException();
}
