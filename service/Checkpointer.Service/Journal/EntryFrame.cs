using System.Buffers.Binary;
using System.IO.Hashing;

namespace Checkpointer.Service.Journal;

/// <summary>
/// How an entry lies in the log: payload length (u32), type (u16), version (u16), sequence (i64), XxHash3 of those and
/// the payload, seeded with the journal's id (u64), payload. Little-endian.
/// </summary>
internal static class EntryFrame
{
    /// <summary>Bytes before the payload.</summary>
    public const int HeaderBytes = 24;

    private const int HashedHeaderBytes = 16;

    /// <summary>Writes an entry into <paramref name="frame"/>, whose length is <see cref="HeaderBytes"/> plus the payload's.</summary>
    public static void Encode(
        Span<byte> frame, ulong id, long sequence, ushort type, ushort version, ReadOnlySpan<byte> payload)
    {
        BinaryPrimitives.WriteInt32LittleEndian(frame, payload.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(frame[4..], type);
        BinaryPrimitives.WriteUInt16LittleEndian(frame[6..], version);
        BinaryPrimitives.WriteInt64LittleEndian(frame[8..], sequence);
        BinaryPrimitives.WriteUInt64LittleEndian(frame[HashedHeaderBytes..], Hash(frame[..HashedHeaderBytes], payload, id));
        payload.CopyTo(frame[HeaderBytes..]);
    }

    /// <summary>The entry in <paramref name="frame"/>; null if a single bit of it is not what was written.</summary>
    public static JournalEntry? TryDecode(ReadOnlySpan<byte> frame, ulong id)
    {
        if (frame.Length < HeaderBytes)
        {
            return null;
        }

        var payload = frame[HeaderBytes..];
        return BinaryPrimitives.ReadInt32LittleEndian(frame) == payload.Length
            && BinaryPrimitives.ReadUInt64LittleEndian(frame[HashedHeaderBytes..])
                == Hash(frame[..HashedHeaderBytes], payload, id)
            ? new JournalEntry(
                BinaryPrimitives.ReadInt64LittleEndian(frame[8..]),
                BinaryPrimitives.ReadUInt16LittleEndian(frame[4..]),
                BinaryPrimitives.ReadUInt16LittleEndian(frame[6..]),
                payload.ToArray())
            : null;
    }

    private static ulong Hash(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload, ulong id)
    {
        var hash = new XxHash3((long)id);
        hash.Append(header);
        hash.Append(payload);
        return hash.GetCurrentHashAsUInt64();
    }
}
