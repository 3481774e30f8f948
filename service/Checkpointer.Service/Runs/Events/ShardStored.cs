using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Events;

/// <summary>One rank's shard is durable. The last one makes the checkpoint committing.</summary>
internal sealed record ShardStored : RunEvent
{
    /// <summary>The checkpoint.</summary>
    public required CheckpointId Checkpoint { get; init; }

    /// <summary>The rank.</summary>
    public required Rank Rank { get; init; }

    /// <summary>Lower-case hex SHA-256 of the index object.</summary>
    public required string IndexSha256 { get; init; }

    /// <summary>Length of the index object in bytes.</summary>
    public required long IndexBytes { get; init; }

    /// <summary>The image that was stored.</summary>
    public required SealedImage Image { get; init; }

    /// <summary>Bytes of the image that this rank stores.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>Bytes of new packs written for it.</summary>
    public required long PackBytes { get; init; }

    /// <summary>How long the drain took, in milliseconds.</summary>
    public required double DrainMs { get; init; }

    /// <summary>By when the checkpoint has to be complete, if this begins one; null otherwise.</summary>
    public DateTimeOffset? DeadlineAt { get; init; }
}
