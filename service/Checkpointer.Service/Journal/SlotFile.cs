using System.Buffers.Binary;
using System.IO.Hashing;
using Checkpointer.Storage.CrashPoints;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Service.Journal;

/// <summary>
/// A small record that is overwritten often and never lost: two slots written in turn, each with a generation and a
/// checksum, so that a write cut short leaves the record before it. One sync a write, no renames.
/// <para>A slot is magic (u32), payload length (u32), generation (u64), payload, XxHash3 of all that (u64).</para>
/// </summary>
internal sealed class SlotFile : IDisposable
{
    /// <summary>Distance of the two slots: what a disk writes at once, so that one never harms the other.</summary>
    public const int SlotBytes = 4096;

    /// <summary>The largest payload.</summary>
    public const int MaxPayloadBytes = SlotBytes - HeaderBytes - ChecksumBytes;

    private const int HeaderBytes = 16;
    private const int ChecksumBytes = 8;

    private readonly SafeFileHandle _file;
    private readonly uint _magic;
    private ulong _generation;

    private SlotFile(SafeFileHandle file, uint magic)
    {
        _file = file;
        _magic = magic;
    }

    /// <summary>The payload of the newest whole slot; null if neither is whole.</summary>
    public byte[]? Newest { get; private set; }

    /// <summary>Creates or replaces the file with one record, durably.</summary>
    public static void Create(string path, uint magic, ReadOnlySpan<byte> payload)
    {
        var bytes = new byte[2 * SlotBytes];
        Encode(bytes.AsSpan(SlotBytes), magic, generation: 1, payload);
        DurableFile.Write(path, bytes);
    }

    /// <summary>Opens an existing file and reads its newest whole slot.</summary>
    public static SlotFile Open(string path, uint magic)
    {
        var slots = new SlotFile(File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite), magic);
        var bytes = new byte[2 * SlotBytes];
        var length = 0;
        int read;
        while ((read = RandomAccess.Read(slots._file, bytes.AsSpan(length), length)) > 0)
        {
            length += read;
        }

        slots.Take(bytes.AsSpan(0, SlotBytes));
        slots.Take(bytes.AsSpan(SlotBytes));
        return slots;
    }

    /// <summary>Replaces the older slot; when it returns, the record is durable.</summary>
    public void Write(ReadOnlySpan<byte> payload)
    {
        Span<byte> slot = stackalloc byte[SlotBytes];
        slot.Clear();
        Encode(slot, _magic, ++_generation, payload);
        RandomAccess.Write(_file, slot, (long)(_generation % 2) * SlotBytes);
        CrashPoint.Reach(CrashPointNames.JournalSlotWritten);
        RandomAccess.FlushToDisk(_file);
        Newest = payload.ToArray();
    }

    public void Dispose() => _file.Dispose();

    private static void Encode(Span<byte> slot, uint magic, ulong generation, ReadOnlySpan<byte> payload)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(payload.Length, MaxPayloadBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(slot, magic);
        BinaryPrimitives.WriteInt32LittleEndian(slot[4..], payload.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(slot[8..], generation);
        payload.CopyTo(slot[HeaderBytes..]);
        var end = HeaderBytes + payload.Length;
        BinaryPrimitives.WriteUInt64LittleEndian(slot[end..], XxHash3.HashToUInt64(slot[..end]));
    }

    private void Take(ReadOnlySpan<byte> slot)
    {
        var length = BinaryPrimitives.ReadInt32LittleEndian(slot[4..]);
        var generation = BinaryPrimitives.ReadUInt64LittleEndian(slot[8..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(slot) != _magic || length is < 0 or > MaxPayloadBytes)
        {
            return;
        }

        var end = HeaderBytes + length;
        if (BinaryPrimitives.ReadUInt64LittleEndian(slot[end..]) == XxHash3.HashToUInt64(slot[..end])
            && generation > _generation)
        {
            _generation = generation;
            Newest = slot[HeaderBytes..end].ToArray();
        }
    }
}
