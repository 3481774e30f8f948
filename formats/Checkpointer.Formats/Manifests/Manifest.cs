using System.Text.Json;
using System.Text.Json.Serialization;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Formats.Manifests;

/// <summary>
/// The object whose creation commits a checkpoint (formats/SPEC.md, "Manifest"): it names every rank's index by digest, so
/// a checkpoint is whole or is not there. <see cref="Encode"/> and <see cref="Parse"/> both check everything.
/// </summary>
public sealed record Manifest
{
    /// <summary>The value of <see cref="Format"/>.</summary>
    public const string FormatName = "checkpointer.manifest";

    /// <summary>The version that this program reads and writes.</summary>
    public const int CurrentVersion = 1;

    /// <summary>Largest manifest in bytes: room for <see cref="MaxShards"/>.</summary>
    public const int MaxBytes = 1024 * 1024 * 1024;

    /// <summary>Most shards, one a rank.</summary>
    public const int MaxShards = Rank.MaxValue + 1;

    /// <summary>Says what this is.</summary>
    [JsonPropertyOrder(-2)]
    public string Format { get; init; } = FormatName;

    /// <summary>Version of the format.</summary>
    [JsonPropertyOrder(-1)]
    public int Version { get; init; } = CurrentVersion;

    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>The step.</summary>
    public required Step Step { get; init; }

    /// <summary>The attempt that captured it.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>Number of ranks.</summary>
    public required int WorldSize { get; init; }

    /// <summary>Chunk length in bytes, the same in every shard.</summary>
    public required int ChunkBytes { get; init; }

    /// <summary>When the service committed it, UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The checkpoint before it on its lineage; null for the first.</summary>
    public CheckpointId? Parent { get; init; }

    /// <summary>The attempts that led to it, ascending.</summary>
    public required IReadOnlyList<LineageEntry> Lineage { get; init; }

    /// <summary>Length of all images in bytes.</summary>
    public required long ImageBytes { get; init; }

    /// <summary>Length of all stored prefixes in bytes.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>One shard a rank, ascending.</summary>
    public required IReadOnlyList<ManifestShard> Shards { get; init; }

    /// <summary>The checkpoint.</summary>
    [JsonIgnore]
    public CheckpointId Checkpoint => new(Step, Attempt);

    /// <summary>The bytes at rest: indented JSON; equal values give equal bytes. Throws <see cref="FormatFaultException"/> on a value that cannot be.</summary>
    public byte[] Encode()
    {
        ManifestValidator.Check(this);
        return JsonSerializer.SerializeToUtf8Bytes(this, ManifestJsonContext.Default.Manifest);
    }

    /// <summary>
    /// Reads a manifest. Allocates a small multiple of what it is given. Throws <see cref="FormatFaultException"/> with a
    /// <see cref="ManifestFault"/>, nothing else.
    /// </summary>
    public static Manifest Parse(ReadOnlySpan<byte> utf8)
    {
        ManifestReader.CheckEnvelope(utf8);
        var manifest = ManifestReader.Read(utf8);
        ManifestValidator.Check(manifest);
        return manifest;
    }
}
