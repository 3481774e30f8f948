namespace Checkpointer.Contracts.Trainers;

/// <summary>The life of one rank's snapshot, in order.</summary>
public enum SnapshotState
{
    /// <summary>The trainer is writing into the slot.</summary>
    Open,

    /// <summary>All bytes are in the slot; hashing goes on.</summary>
    Captured,

    /// <summary>Hashed; held in memory. Final for a snapshot that is not durable.</summary>
    Sealed,

    /// <summary>This rank's shard is in object storage and the service has acknowledged it. Final.</summary>
    Durable,

    /// <summary>Given up, with an error. Final.</summary>
    Failed,
}
