using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Formats.Indices;

/// <summary>
/// One rank's list of chunks of one checkpoint (formats/SPEC.md, "Index"). <see cref="Encode"/> and <see cref="Parse"/>
/// both check everything, so neither a bug nor damage can make a bad index durable or believed. The lists belong to the
/// value: whoever makes one must not change them afterwards.
/// </summary>
public sealed record ShardIndex
{
    /// <summary>The version that this program reads and writes.</summary>
    public const int Version = 1;

    /// <summary>Most packs that an index may name.</summary>
    public const int MaxPacks = 1 << 20;

    /// <summary>Longest extra value in bytes.</summary>
    public const int MaxExtraBytes = 256 * 1024;

    /// <summary>Longest index in bytes, by the limits above and that of chunks: about 64 MiB.</summary>
    public const int MaxBytes = IndexCodec.FixedBytes + (MaxPacks * IndexCodec.PackBytes)
        + (ChunkGeometry.MaxChunks * IndexCodec.ChunkBytes) + MaxExtraBytes + ChunkHash.SizeBytes;

    /// <summary>The checkpoint.</summary>
    public required CheckpointId Checkpoint { get; init; }

    /// <summary>The rank whose image it is.</summary>
    public required Rank Rank { get; init; }

    /// <summary>The number of ranks of the checkpoint.</summary>
    public required int WorldSize { get; init; }

    /// <summary>Chunk length in bytes.</summary>
    public required int ChunkBytes { get; init; }

    /// <summary>Length of the image in bytes.</summary>
    public required long ImageBytes { get; init; }

    /// <summary>Length in bytes of the prefix that this shard stores.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>Lower-case hex SHA-256 of the layout.</summary>
    public required string LayoutDigest { get; init; }

    /// <summary>The root over all chunks.</summary>
    public required ChunkHash Root { get; init; }

    /// <summary>The packs that hold the chunks, ascending by checkpoint, rank and number; each holds at least one.</summary>
    public required IReadOnlyList<PackReference> Packs { get; init; }

    /// <summary>Every chunk of the image, in order.</summary>
    public required IReadOnlyList<ChunkEntry> Chunks { get; init; }

    /// <summary>One JSON value that the trainer saved along, in UTF-8; empty if there is none.</summary>
    public ReadOnlyMemory<byte> Extra { get; init; }

    /// <summary>How the image is cut.</summary>
    public ChunkGeometry Geometry => new(ImageBytes, ChunkBytes);

    /// <summary>The bytes at rest; equal values give equal bytes. Throws <see cref="FormatFaultException"/> on a value that cannot be.</summary>
    public byte[] Encode()
    {
        IndexValidator.Check(this);
        return IndexCodec.Write(this);
    }

    /// <summary>
    /// Reads an index, which must be all of <paramref name="bytes"/>. Allocates about as much as it is given. Throws
    /// <see cref="FormatFaultException"/> with an <see cref="IndexFault"/>, nothing else.
    /// </summary>
    public static ShardIndex Parse(ReadOnlySpan<byte> bytes)
    {
        var index = IndexCodec.Read(bytes);
        IndexValidator.Check(index);
        return index;
    }
}
