using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Runs.Checkpoints;

namespace Checkpointer.Service.Runs.Commands;

/// <summary>One rank's shard is durable (<c>POST …/shards</c>).</summary>
internal sealed record RecordShard(ShardReport Body) : RunCommand<ShardResult>
{
    internal override Decision<ShardResult> Decide(RunState state, DateTimeOffset now) => ShardDecisions.Decide(state, Body, now);
}
