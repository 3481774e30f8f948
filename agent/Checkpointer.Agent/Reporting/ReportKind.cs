namespace Checkpointer.Agent.Reporting;

/// <summary>What a report is about.</summary>
internal enum ReportKind
{
    /// <summary>Completed steps of rank 0.</summary>
    Steps,

    /// <summary>A snapshot that was sealed or discarded.</summary>
    Snapshot,

    /// <summary>A snapshot that was refused. The service would find out by its deadline too, only later.</summary>
    Refusal,

    /// <summary>A durable shard.</summary>
    Shard,

    /// <summary>A copy of another node's image.</summary>
    Replica,

    /// <summary>A copy of another node's image that cannot be made, because the image is corrupt.</summary>
    CorruptCopy,

    /// <summary>A restore that ended.</summary>
    Restore,
}
