using Checkpointer.Formats.Identity;

namespace Checkpointer.Formats.Manifests;

/// <summary>One rank's shard, as its checkpoint's manifest names it.</summary>
public sealed record ManifestShard
{
    /// <summary>The rank.</summary>
    public required Rank Rank { get; init; }

    /// <summary>Lower-case hex SHA-256 of the layout object.</summary>
    public required string Layout { get; init; }

    /// <summary>Lower-case hex SHA-256 of the index object.</summary>
    public required string IndexSha256 { get; init; }

    /// <summary>Length of the index object in bytes.</summary>
    public required long IndexBytes { get; init; }

    /// <summary>Root hash of the image: 32 lower-case hex digits.</summary>
    public required string Root { get; init; }

    /// <summary>Length of the image in bytes.</summary>
    public required long ImageBytes { get; init; }

    /// <summary>Length in bytes of the prefix that the shard stores.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>Number of NaN values in the image.</summary>
    public required long NanCount { get; init; }

    /// <summary>Number of infinite values in the image.</summary>
    public required long InfCount { get; init; }
}
