using Checkpointer.Service.Runs.Events;

namespace Checkpointer.Service.Runs.Checkpoints;

/// <summary>What is kept of a durable shard.</summary>
internal sealed record StoredShard
{
    /// <summary>Lower-case hex SHA-256 of its index object.</summary>
    public required string IndexSha256 { get; init; }

    /// <summary>Length of the index object in bytes.</summary>
    public required long IndexBytes { get; init; }

    /// <summary>The image that was stored.</summary>
    public required ImageFacts Image { get; init; }

    /// <summary>Bytes of the image that it stores.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>The shard that <paramref name="stored"/> tells of.</summary>
    public static StoredShard Of(ShardStored stored) => new()
    {
        IndexSha256 = stored.IndexSha256,
        IndexBytes = stored.IndexBytes,
        Image = ImageFacts.Of(stored.Image),
        StoredBytes = stored.StoredBytes,
    };
}
