namespace Checkpointer.Contracts.Runs;

/// <summary>The answer to <see cref="ShardReport"/>.</summary>
public sealed record ShardResult
{
    /// <summary>State of the checkpoint after this report.</summary>
    public required CheckpointState State { get; init; }

    /// <summary>Shards that are durable so far.</summary>
    public required int DurableShards { get; init; }
}
