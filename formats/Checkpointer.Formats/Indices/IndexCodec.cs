using System.Buffers.Binary;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Codecs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Formats.Indices;

/// <summary>The bytes of an index. Checks framing and what the types could not hold; the rest is the validator's.</summary>
internal static class IndexCodec
{
    public const int FixedBytes = 128;
    public const int PackBytes = 32;
    public const int ChunkBytes = 32;

    private static ReadOnlySpan<byte> Magic => "CKPTINDX"u8;

    public static byte[] Write(ShardIndex index)
    {
        var length = FixedBytes + (index.Packs.Count * PackBytes) + (index.Chunks.Count * ChunkBytes)
            + index.Extra.Length + ChunkHash.SizeBytes;
        var bytes = new byte[length];
        var span = bytes.AsSpan();
        Magic.CopyTo(span);
        BinaryPrimitives.WriteInt32LittleEndian(span[8..], ShardIndex.Version);
        BinaryPrimitives.WriteInt32LittleEndian(span[12..], length);
        BinaryPrimitives.WriteInt64LittleEndian(span[16..], index.Checkpoint.Step.Value);
        BinaryPrimitives.WriteInt32LittleEndian(span[24..], index.Checkpoint.Attempt.Value);
        BinaryPrimitives.WriteInt32LittleEndian(span[28..], index.Rank.Value);
        BinaryPrimitives.WriteInt32LittleEndian(span[32..], index.WorldSize);
        BinaryPrimitives.WriteInt32LittleEndian(span[36..], index.ChunkBytes);
        BinaryPrimitives.WriteInt64LittleEndian(span[40..], index.ImageBytes);
        BinaryPrimitives.WriteInt64LittleEndian(span[48..], index.StoredBytes);
        Convert.FromHexString(index.LayoutDigest).CopyTo(span[56..]);
        index.Root.WriteTo(span[88..]);
        BinaryPrimitives.WriteInt32LittleEndian(span[104..], index.Packs.Count);
        BinaryPrimitives.WriteInt32LittleEndian(span[108..], index.Chunks.Count);
        BinaryPrimitives.WriteInt32LittleEndian(span[112..], index.Extra.Length);
        var at = FixedBytes;
        foreach (var pack in index.Packs)
        {
            WritePack(span[at..], pack);
            at += PackBytes;
        }

        foreach (var chunk in index.Chunks)
        {
            WriteChunk(span[at..], chunk);
            at += ChunkBytes;
        }

        index.Extra.Span.CopyTo(span[at..]);
        at += index.Extra.Length;
        ChunkHash.Compute(span[..at]).WriteTo(span[at..]);
        return bytes;
    }

    public static ShardIndex Read(ReadOnlySpan<byte> bytes)
    {
        var (packs, chunks, extra) = CheckFrame(bytes);
        if (bytes[116..FixedBytes].ContainsAnyExcept((byte)0))
        {
            throw new FormatFaultException(IndexFault.ReservedNotZero, "In the fixed part.");
        }

        var packsAt = bytes[FixedBytes..];
        var chunksAt = packsAt[(packs * PackBytes)..];
        var extraAt = chunksAt[(chunks * ChunkBytes)..];
        return new ShardIndex
        {
            Checkpoint = ReadCheckpoint(bytes[16..]),
            Rank = ReadRank(bytes[28..]),
            WorldSize = BinaryPrimitives.ReadInt32LittleEndian(bytes[32..]),
            ChunkBytes = BinaryPrimitives.ReadInt32LittleEndian(bytes[36..]),
            ImageBytes = BinaryPrimitives.ReadInt64LittleEndian(bytes[40..]),
            StoredBytes = BinaryPrimitives.ReadInt64LittleEndian(bytes[48..]),
            LayoutDigest = Convert.ToHexStringLower(bytes[56..88]),
            Root = ChunkHash.ReadFrom(bytes[88..]),
            Packs = ReadPacks(packsAt, packs),
            Chunks = ReadChunks(chunksAt, chunks),
            Extra = extraAt[..extra].ToArray(),
        };
    }

    private static (int Packs, int Chunks, int Extra) CheckFrame(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < FixedBytes + ChunkHash.SizeBytes)
        {
            throw new FormatFaultException(IndexFault.Truncated, $"{bytes.Length} bytes are no index.");
        }

        if (!bytes[..8].SequenceEqual(Magic))
        {
            throw new FormatFaultException(IndexFault.WrongMagic, "The first 8 bytes are not 'CKPTINDX'.");
        }

        var version = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        if (version != ShardIndex.Version)
        {
            throw new FormatFaultException(IndexFault.WrongVersion, $"Version {version}; this program knows {ShardIndex.Version}.");
        }

        var packs = BinaryPrimitives.ReadUInt32LittleEndian(bytes[104..]);
        var chunks = BinaryPrimitives.ReadUInt32LittleEndian(bytes[108..]);
        var extra = BinaryPrimitives.ReadUInt32LittleEndian(bytes[112..]);
        if (packs > ShardIndex.MaxPacks || chunks > ChunkGeometry.MaxChunks || extra > ShardIndex.MaxExtraBytes)
        {
            throw new FormatFaultException(IndexFault.CountInvalid, $"{packs} packs, {chunks} chunks, {extra} extra bytes.");
        }

        var length = FixedBytes + (packs * PackBytes) + (chunks * ChunkBytes) + extra + ChunkHash.SizeBytes;
        var stated = BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]);
        if (stated != length)
        {
            throw new FormatFaultException(IndexFault.CountInvalid, $"The counts make {length} bytes, the index says {stated}.");
        }

        if (bytes.Length != length)
        {
            throw new FormatFaultException(
                bytes.Length < length ? IndexFault.Truncated : IndexFault.TrailingBytes, $"{bytes.Length} bytes instead of {length}.");
        }

        var hashed = bytes[..^ChunkHash.SizeBytes];
        if (ChunkHash.Compute(hashed) != ChunkHash.ReadFrom(bytes[hashed.Length..]))
        {
            throw new FormatFaultException(IndexFault.HashMismatch, "The index was damaged.");
        }

        return ((int)packs, (int)chunks, (int)extra);
    }

    private static PackReference[] ReadPacks(ReadOnlySpan<byte> bytes, int count)
    {
        var packs = new PackReference[count];
        for (var i = 0; i < count; i++, bytes = bytes[PackBytes..])
        {
            if (bytes[20..24].ContainsAnyExcept((byte)0))
            {
                throw new FormatFaultException(IndexFault.ReservedNotZero, $"In pack {i}.");
            }

            packs[i] = new PackReference(
                ReadCheckpoint(bytes),
                ReadRank(bytes[12..]),
                BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]),
                BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]));
        }

        return packs;
    }

    private static void WritePack(Span<byte> span, PackReference pack)
    {
        BinaryPrimitives.WriteInt64LittleEndian(span, pack.Checkpoint.Step.Value);
        BinaryPrimitives.WriteInt32LittleEndian(span[8..], pack.Checkpoint.Attempt.Value);
        BinaryPrimitives.WriteInt32LittleEndian(span[12..], pack.Rank.Value);
        BinaryPrimitives.WriteInt32LittleEndian(span[16..], pack.Number);
        BinaryPrimitives.WriteInt64LittleEndian(span[24..], pack.PackBytes);
    }

    private static ChunkEntry[] ReadChunks(ReadOnlySpan<byte> bytes, int count)
    {
        var chunks = new ChunkEntry[count];
        for (var i = 0; i < count; i++, bytes = bytes[ChunkBytes..])
        {
            if (bytes[29..32].ContainsAnyExcept((byte)0))
            {
                throw new FormatFaultException(IndexFault.ReservedNotZero, $"In chunk {i}.");
            }

            chunks[i] = new ChunkEntry(
                ChunkHash.ReadFrom(bytes),
                (CodecId)bytes[28],
                BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]),
                BinaryPrimitives.ReadInt32LittleEndian(bytes[20..]),
                BinaryPrimitives.ReadInt32LittleEndian(bytes[24..]));
        }

        return chunks;
    }

    private static void WriteChunk(Span<byte> span, ChunkEntry chunk)
    {
        chunk.Hash.WriteTo(span);
        BinaryPrimitives.WriteInt32LittleEndian(span[16..], chunk.Pack);
        BinaryPrimitives.WriteInt32LittleEndian(span[20..], chunk.OffsetBytes);
        BinaryPrimitives.WriteInt32LittleEndian(span[24..], chunk.StoredBytes);
        span[28] = (byte)chunk.Codec;
    }

    private static CheckpointId ReadCheckpoint(ReadOnlySpan<byte> bytes)
    {
        var step = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        var attempt = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        return step is >= Step.MinValue and <= Step.MaxValue && attempt is >= Attempt.MinValue and <= Attempt.MaxValue
            ? new CheckpointId(new Step(step), new Attempt(attempt))
            : throw new FormatFaultException(IndexFault.IdentityInvalid, $"Step {step}, attempt {attempt}.");
    }

    private static Rank ReadRank(ReadOnlySpan<byte> bytes)
    {
        var rank = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        return rank is >= Rank.MinValue and <= Rank.MaxValue
            ? new Rank(rank)
            : throw new FormatFaultException(IndexFault.IdentityInvalid, $"Rank {rank}.");
    }
}
