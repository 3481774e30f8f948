using System.Buffers.Binary;

namespace Checkpointer.Service.Journal;

/// <summary>
/// What the journal has promised, kept and synced apart from the log: FasterLog recovers an empty or shorter log
/// without an error when its own commit record is damaged, and only this tells that something is missing.
/// </summary>
internal readonly record struct HighWaterMark
{
    /// <summary>Magic of the file: "CPJM".</summary>
    public const uint Magic = 0x4D4A5043;

    private const ushort CurrentVersion = 1;
    private const int EncodedBytes = 28;

    /// <summary>A random number that every entry's hash is seeded with, so that no entry of another journal passes.</summary>
    public required ulong Id { get; init; }

    /// <summary>Page size of the log as a power of two; fixed when the journal is made.</summary>
    public required byte PageSizeBits { get; init; }

    /// <summary>File size of the log as a power of two; fixed when the journal is made.</summary>
    public required byte SegmentSizeBits { get; init; }

    /// <summary>The newest entry that anyone may have been told is durable.</summary>
    public required long Sequence { get; init; }

    /// <summary>Where the log ended after it.</summary>
    public required long Address { get; init; }

    public byte[] Encode()
    {
        var bytes = new byte[EncodedBytes];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, CurrentVersion);
        bytes[2] = PageSizeBits;
        bytes[3] = SegmentSizeBits;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(4), Id);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(12), Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(20), Address);
        return bytes;
    }

    /// <summary>Null if the bytes are of no version that this program knows.</summary>
    public static HighWaterMark? TryDecode(ReadOnlySpan<byte> bytes) =>
        bytes.Length == EncodedBytes && BinaryPrimitives.ReadUInt16LittleEndian(bytes) == CurrentVersion
            ? new HighWaterMark
            {
                PageSizeBits = bytes[2],
                SegmentSizeBits = bytes[3],
                Id = BinaryPrimitives.ReadUInt64LittleEndian(bytes[4..]),
                Sequence = BinaryPrimitives.ReadInt64LittleEndian(bytes[12..]),
                Address = BinaryPrimitives.ReadInt64LittleEndian(bytes[20..]),
            }
            : null;
}
