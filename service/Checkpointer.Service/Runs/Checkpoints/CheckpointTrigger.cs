namespace Checkpointer.Service.Runs.Checkpoints;

/// <summary>What moves a checkpoint from one state to the next.</summary>
internal enum CheckpointTrigger
{
    /// <summary>The last shard is durable.</summary>
    AllShardsDurable,

    /// <summary>It can't complete: a rank refused, the deadline passed, or a newer attempt began.</summary>
    CannotComplete,

    /// <summary>Its shards were found not to make one whole model.</summary>
    FoundIncoherent,

    /// <summary>Its manifest exists.</summary>
    ManifestExists,
}
