namespace Checkpointer.Contracts.Runs;

/// <summary>The life of a checkpoint. Only a committed one is visible to a restore from object storage.</summary>
public enum CheckpointState
{
    /// <summary>Some shard is not durable yet.</summary>
    Saving,

    /// <summary>All shards are durable; the manifest is being written.</summary>
    Committing,

    /// <summary>Its manifest exists.</summary>
    Committed,

    /// <summary>It will never be committed: a rank refused, missed the deadline or was fenced out.</summary>
    Abandoned,
}
