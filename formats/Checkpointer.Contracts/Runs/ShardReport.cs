using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>
/// <c>POST /v1/runs/{run}/shards</c>, agent to service: one rank's shard is durable in object storage. Idempotent.
/// <see cref="Attempt"/> is the fence; <see cref="Checkpoint"/> names what was stored. The two differ only when an
/// agent finishes draining the very snapshot that the present attempt resumed from.
/// </summary>
public sealed record ShardReport
{
    /// <summary>The writer's attempt.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>The checkpoint that the shard belongs to.</summary>
    public required CheckpointId Checkpoint { get; init; }

    /// <summary>The rank.</summary>
    public required Rank Rank { get; init; }

    /// <summary>Lower-case hex SHA-256 of the index object.</summary>
    public required string IndexSha256 { get; init; }

    /// <summary>Length of the index object in bytes.</summary>
    public required long IndexBytes { get; init; }

    /// <summary>The sealed image that was stored.</summary>
    public required SealedImage Image { get; init; }

    /// <summary>Bytes of the image that this rank stores (its replicated tail is another rank's).</summary>
    public required long StoredBytes { get; init; }

    /// <summary>Bytes of new packs written for it.</summary>
    public required long PackBytes { get; init; }

    /// <summary>From the start of the drain until the index was durable, in milliseconds.</summary>
    public required double DrainMs { get; init; }
}
