using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Runs.Commands;

namespace Checkpointer.Service.Runs.Checkpoints;

/// <summary>What a shard report comes to.</summary>
internal static class ShardDecisions
{
    public static Decision<ShardResult> Decide(RunState state, ShardReport body, DateTimeOffset now) => throw new NotImplementedException();
}
