using System.Buffers.Binary;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Codecs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Formats.Packs;

/// <summary>
/// The head of a pack: whose it is and which chunks follow it, back to back (formats/SPEC.md, "Pack"). Immutable; a value
/// that exists has passed every check.
/// </summary>
public sealed class PackHeader
{
    /// <summary>Most bytes of chunks in a pack: 256 MiB, so that one put carries it whole.</summary>
    public const int MaxPayloadBytes = 256 * 1024 * 1024;

    /// <summary>Most chunks in a pack.</summary>
    public const int MaxEntries = 65_536;

    /// <summary>Largest number of a pack: as many digits as its key has room for.</summary>
    public const int MaxNumber = 999_999;

    /// <summary>The version that this program reads and writes.</summary>
    public const int Version = 1;

    /// <summary>Length of the fixed part in bytes: enough to learn, with <see cref="ReadHeaderBytes"/>, how long the header is.</summary>
    public const int FixedBytes = 64;

    private const int EntryBytes = 32;

    private readonly PackEntry[] _entries;
    private readonly int[] _offsets;

    /// <summary>Describes a pack; throws <see cref="FormatFaultException"/> if no such pack can be.</summary>
    public PackHeader(CheckpointId checkpoint, Rank rank, int number, IEnumerable<PackEntry> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        _entries = [.. entries];
        (Checkpoint, Rank, Number) = (checkpoint, rank, number);
        Require(
            checkpoint.Attempt.Value >= Attempt.MinValue && number is >= 0 and <= MaxNumber,
            PackFault.IdentityInvalid,
            $"pack {number} of {checkpoint}");
        Require(_entries.Length is > 0 and <= MaxEntries, PackFault.EntryCountInvalid, $"{_entries.Length} entries");
        HeaderBytes = LengthOfHeader(_entries.Length);
        (_offsets, PayloadBytes) = Place(_entries, HeaderBytes);
    }

    /// <summary>The checkpoint that it was written for.</summary>
    public CheckpointId Checkpoint { get; }

    /// <summary>The rank that wrote it.</summary>
    public Rank Rank { get; }

    /// <summary>Its number among the packs of that shard, from 0.</summary>
    public int Number { get; }

    /// <summary>Its chunks, ascending.</summary>
    public IReadOnlyList<PackEntry> Entries => _entries;

    /// <summary>Length of the header in bytes; the first chunk begins there.</summary>
    public int HeaderBytes { get; }

    /// <summary>Length of all chunks in bytes.</summary>
    public int PayloadBytes { get; }

    /// <summary>Length of the whole pack in bytes.</summary>
    public int PackBytes => HeaderBytes + PayloadBytes;

    /// <summary>Where entry <paramref name="entry"/> (not: chunk) begins in the pack, in bytes from the pack's first.</summary>
    public int OffsetOf(int entry) => _offsets[entry];

    /// <summary>The whole header, to be followed by the chunks.</summary>
    public byte[] Encode()
    {
        var bytes = new byte[HeaderBytes];
        Magic.CopyTo(bytes);
        var span = bytes.AsSpan();
        BinaryPrimitives.WriteInt32LittleEndian(span[8..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(span[12..], HeaderBytes);
        BinaryPrimitives.WriteInt64LittleEndian(span[16..], Checkpoint.Step.Value);
        BinaryPrimitives.WriteInt32LittleEndian(span[24..], Checkpoint.Attempt.Value);
        BinaryPrimitives.WriteInt32LittleEndian(span[28..], Rank.Value);
        BinaryPrimitives.WriteInt32LittleEndian(span[32..], Number);
        BinaryPrimitives.WriteInt32LittleEndian(span[36..], _entries.Length);
        BinaryPrimitives.WriteInt64LittleEndian(span[40..], PayloadBytes);
        var at = FixedBytes;
        foreach (var entry in _entries)
        {
            BinaryPrimitives.WriteInt32LittleEndian(span[at..], entry.Chunk);
            span[at + 4] = (byte)entry.Codec;
            BinaryPrimitives.WriteInt32LittleEndian(span[(at + 8)..], entry.RawBytes);
            BinaryPrimitives.WriteInt32LittleEndian(span[(at + 12)..], entry.StoredBytes);
            entry.Hash.WriteTo(span[(at + 16)..]);
            at += EntryBytes;
        }

        ChunkHash.Compute(span[..at]).WriteTo(span[at..]);
        return bytes;
    }

    /// <summary>
    /// The length of the header in bytes, from its first <see cref="FixedBytes"/> bytes: how much to read before
    /// <see cref="Parse"/>. Throws <see cref="FormatFaultException"/> with a <see cref="PackFault"/>.
    /// </summary>
    public static int ReadHeaderBytes(ReadOnlySpan<byte> start)
    {
        Require(start.Length >= FixedBytes, PackFault.Truncated, $"{start.Length} bytes are less than {FixedBytes}");
        Require(start[..8].SequenceEqual(Magic), PackFault.WrongMagic, "the first 8 bytes are not 'CKPTPACK'");
        var version = BinaryPrimitives.ReadUInt32LittleEndian(start[8..]);
        Require(version == Version, PackFault.WrongVersion, $"version {version}; this program knows {Version}");
        var count = BinaryPrimitives.ReadUInt32LittleEndian(start[36..]);
        Require(count is > 0 and <= MaxEntries, PackFault.EntryCountInvalid, $"{count} entries");
        var headerBytes = BinaryPrimitives.ReadUInt32LittleEndian(start[12..]);
        Require(headerBytes == LengthOfHeader((int)count), PackFault.HeaderLengthMismatch, $"{headerBytes} bytes for {count} entries");
        return (int)headerBytes;
    }

    /// <summary>
    /// Reads a header from the start of a pack; bytes behind the header are ignored. Allocates about the header's length.
    /// Throws <see cref="FormatFaultException"/> with a <see cref="PackFault"/>, nothing else.
    /// </summary>
    public static PackHeader Parse(ReadOnlySpan<byte> bytes)
    {
        var headerBytes = ReadHeaderBytes(bytes);
        Require(bytes.Length >= headerBytes, PackFault.Truncated, $"{bytes.Length} bytes are less than {headerBytes}");
        var hashed = bytes[..(headerBytes - ChunkHash.SizeBytes)];
        Require(
            ChunkHash.Compute(hashed) == ChunkHash.ReadFrom(bytes[hashed.Length..]),
            PackFault.HeaderHashMismatch,
            "the header was damaged");
        var step = BinaryPrimitives.ReadInt64LittleEndian(hashed[16..]);
        var attempt = BinaryPrimitives.ReadInt32LittleEndian(hashed[24..]);
        var rank = BinaryPrimitives.ReadInt32LittleEndian(hashed[28..]);
        Require(
            step is >= Step.MinValue and <= Step.MaxValue && attempt is >= Attempt.MinValue and <= Attempt.MaxValue
            && rank is >= Rank.MinValue and <= Rank.MaxValue,
            PackFault.IdentityInvalid,
            $"step {step}, attempt {attempt}, rank {rank}");
        Require(!hashed[48..FixedBytes].ContainsAnyExcept((byte)0), PackFault.ReservedNotZero, "in the fixed part");
        var header = new PackHeader(
            new CheckpointId(new Step(step), new Attempt(attempt)),
            new Rank(rank),
            BinaryPrimitives.ReadInt32LittleEndian(hashed[32..]),
            ReadEntries(hashed[FixedBytes..]));
        var payloadBytes = BinaryPrimitives.ReadInt64LittleEndian(hashed[40..]);
        Require(payloadBytes == header.PayloadBytes, PackFault.PayloadLengthMismatch, $"{payloadBytes} is not {header.PayloadBytes}");
        return header;
    }

    private static ReadOnlySpan<byte> Magic => "CKPTPACK"u8;

    private static int LengthOfHeader(int entries) => FixedBytes + (entries * EntryBytes) + ChunkHash.SizeBytes;

    private static PackEntry[] ReadEntries(ReadOnlySpan<byte> bytes)
    {
        var entries = new PackEntry[bytes.Length / EntryBytes];
        for (var i = 0; i < entries.Length; i++)
        {
            var entry = bytes.Slice(i * EntryBytes, EntryBytes);
            Require(!entry[5..8].ContainsAnyExcept((byte)0), PackFault.ReservedNotZero, "in an entry");
            entries[i] = new PackEntry(
                BinaryPrimitives.ReadInt32LittleEndian(entry),
                (CodecId)entry[4],
                BinaryPrimitives.ReadInt32LittleEndian(entry[8..]),
                BinaryPrimitives.ReadInt32LittleEndian(entry[12..]),
                ChunkHash.ReadFrom(entry[16..]));
        }

        return entries;
    }

    private static (int[] Offsets, int PayloadBytes) Place(PackEntry[] entries, int headerBytes)
    {
        var offsets = new int[entries.Length];
        var payloadBytes = 0;
        var previous = -1;
        for (var i = 0; i < entries.Length; i++)
        {
            var entry = entries[i];
            if (Faults(entry, previous, payloadBytes) is { } fault)
            {
                throw new FormatFaultException(fault, $"Entry {i} is {entry}.");
            }

            offsets[i] = headerBytes + payloadBytes;
            payloadBytes += entry.StoredBytes;
            previous = entry.Chunk;
        }

        return (offsets, payloadBytes);
    }

    private static PackFault? Faults(PackEntry entry, int previous, int payloadBytes)
    {
        if (!entry.Codec.IsSupported())
        {
            return PackFault.CodecUnsupported;
        }

        if (entry.Chunk <= previous || entry.Chunk >= ChunkGeometry.MaxChunks)
        {
            return PackFault.ChunkOrderInvalid;
        }

        if (entry.RawBytes is < 1 or > ChunkGeometry.MaxChunkBytes || entry.StoredBytes != entry.RawBytes)
        {
            return PackFault.LengthInvalid;
        }

        return entry.StoredBytes > MaxPayloadBytes - payloadBytes ? PackFault.PayloadLengthMismatch : null;
    }

    private static void Require(bool condition, PackFault fault, string detail)
    {
        if (!condition)
        {
            throw new FormatFaultException(fault, detail + ".");
        }
    }
}
