using System.Buffers.Binary;
using System.Text;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Arenas;

/// <summary>
/// What a header page says of its slot: enough for another agent process to take the slot over. Pages are written in
/// turn, so that a torn write leaves the one before; whatever does not check is no page.
/// </summary>
internal sealed record ArenaHeader
{
    public const uint Version = 1;

    private const int HashOffset = ArenaGeometry.PageBytes - ChunkHash.SizeBytes;
    private const uint DurableFlag = 1;
    private const uint ReshardedFlag = 2;
    private const uint ReplicaFlag = 4;

    public required RunId Run { get; init; }

    public required Rank Rank { get; init; }

    public required int Slot { get; init; }

    public required ulong Generation { get; init; }

    /// <summary>Rises with each page written; the higher one is newer, and decides which page it lies in.</summary>
    public required long Sequence { get; init; }

    public required SlotState State { get; init; }

    public required DrainState Drain { get; init; }

    /// <summary>Whose snapshot it holds; default if free.</summary>
    public CheckpointId Checkpoint { get; init; }

    public int WorldSize { get; init; }

    public bool Durable { get; init; }

    /// <summary>Made by a restore from images of other layouts: no root of it was ever reported.</summary>
    public bool Resharded { get; init; }

    /// <summary>Made for a rank of another node: no registration of this one.</summary>
    public bool Replica { get; init; }

    public required int ChunkBytes { get; init; }

    public required long ImageBytes { get; init; }

    public required long DataOffset { get; init; }

    public required long DataBytes { get; init; }

    /// <summary>SHA-256 of the layout, 32 bytes as hex.</summary>
    public required string Layout { get; init; }

    public ChunkHash Root { get; init; }

    public int ExtraBytes { get; init; }

    public ChunkHash ExtraHash { get; init; }

    public int NamesBytes { get; init; }

    public ChunkHash NamesHash { get; init; }

    public long NanCount { get; init; }

    public long InfCount { get; init; }

    private static ReadOnlySpan<byte> Magic => "CKPTARNA"u8;

    /// <summary>The newer of two pages of which each may be anything; null if neither checks.</summary>
    public static ArenaHeader? Newest(ReadOnlySpan<byte> pages)
    {
        ArenaHeader? newest = null;
        for (var page = 0; page < 2 && pages.Length >= (page + 1) * ArenaGeometry.PageBytes; page++)
        {
            var header = TryRead(pages.Slice(page * ArenaGeometry.PageBytes, ArenaGeometry.PageBytes));
            if (header is not null && header.Sequence % 2 == page && (newest is null || header.Sequence > newest.Sequence))
            {
                newest = header;
            }
        }

        return newest;
    }

    /// <summary>Reads a page; null unless everything in it checks.</summary>
    public static ArenaHeader? TryRead(ReadOnlySpan<byte> page)
    {
        if (page.Length != ArenaGeometry.PageBytes
            || !page[..8].SequenceEqual(Magic)
            || ChunkHash.Compute(page[..HashOffset]) != ChunkHash.ReadFrom(page[HashOffset..])
            || BinaryPrimitives.ReadUInt32LittleEndian(page[8..]) != Version)
        {
            return null;
        }

        var step = BinaryPrimitives.ReadInt64LittleEndian(page[24..]);
        var attempt = BinaryPrimitives.ReadInt32LittleEndian(page[32..]);
        var rank = BinaryPrimitives.ReadInt32LittleEndian(page[36..]);
        var runBytes = Math.Min((int)page[200], RunId.MaxLength);
        if (!RunId.TryParse(Encoding.ASCII.GetString(page.Slice(201, runBytes)), null, out var run)
            || rank is < Rank.MinValue or > Rank.MaxValue
            || step is < Step.MinValue or > Step.MaxValue
            || attempt is < 0 or > Attempt.MaxValue)
        {
            return null;
        }

        var flags = BinaryPrimitives.ReadUInt32LittleEndian(page[56..]);
        var header = new ArenaHeader
        {
            Run = run,
            Rank = new Rank(rank),
            State = (SlotState)BinaryPrimitives.ReadInt32LittleEndian(page[12..]),
            Sequence = BinaryPrimitives.ReadInt64LittleEndian(page[16..]),
            Checkpoint = new CheckpointId(new Step(step), attempt == 0 ? default : new Attempt(attempt)),
            WorldSize = BinaryPrimitives.ReadInt32LittleEndian(page[40..]),
            Slot = BinaryPrimitives.ReadInt32LittleEndian(page[44..]),
            Generation = BinaryPrimitives.ReadUInt64LittleEndian(page[48..]),
            Durable = (flags & DurableFlag) != 0,
            Resharded = (flags & ReshardedFlag) != 0,
            Replica = (flags & ReplicaFlag) != 0,
            Drain = (DrainState)BinaryPrimitives.ReadInt32LittleEndian(page[60..]),
            ChunkBytes = BinaryPrimitives.ReadInt32LittleEndian(page[64..]),
            ExtraBytes = BinaryPrimitives.ReadInt32LittleEndian(page[68..]),
            ImageBytes = BinaryPrimitives.ReadInt64LittleEndian(page[72..]),
            DataOffset = BinaryPrimitives.ReadInt64LittleEndian(page[80..]),
            DataBytes = BinaryPrimitives.ReadInt64LittleEndian(page[88..]),
            Root = ChunkHash.ReadFrom(page[96..]),
            ExtraHash = ChunkHash.ReadFrom(page[112..]),
            NamesBytes = BinaryPrimitives.ReadInt32LittleEndian(page[128..]),
            NamesHash = ChunkHash.ReadFrom(page[136..]),
            NanCount = BinaryPrimitives.ReadInt64LittleEndian(page[152..]),
            InfCount = BinaryPrimitives.ReadInt64LittleEndian(page[160..]),
            Layout = Convert.ToHexStringLower(page.Slice(168, 32)),
        };
        return header.IsPossible() ? header : null;
    }

    /// <summary>Writes the page that this sequence number belongs to.</summary>
    public void WriteTo(Span<byte> pages)
    {
        var page = pages.Slice((int)(Sequence % 2) * ArenaGeometry.PageBytes, ArenaGeometry.PageBytes);
        Span<byte> bytes = stackalloc byte[ArenaGeometry.PageBytes];
        bytes.Clear();
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[12..], (int)State);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[16..], Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[24..], Checkpoint.Step.Value);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[32..], Checkpoint.Attempt.Value);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[36..], Rank.Value);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[40..], WorldSize);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[44..], Slot);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[48..], Generation);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[56..], Flags);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[60..], (int)Drain);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[64..], ChunkBytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[68..], ExtraBytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[72..], ImageBytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[80..], DataOffset);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[88..], DataBytes);
        Root.WriteTo(bytes[96..]);
        ExtraHash.WriteTo(bytes[112..]);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[128..], NamesBytes);
        NamesHash.WriteTo(bytes[136..]);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[152..], NanCount);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[160..], InfCount);
        Convert.FromHexString(Layout).CopyTo(bytes[168..]);
        bytes[200] = (byte)Run.Value.Length;
        Encoding.ASCII.GetBytes(Run.Value, bytes[201..]);
        ChunkHash.Compute(bytes[..HashOffset]).WriteTo(bytes[HashOffset..]);
        bytes.CopyTo(page);
    }

    private uint Flags => (Durable ? DurableFlag : 0) | (Resharded ? ReshardedFlag : 0) | (Replica ? ReplicaFlag : 0);

    private bool IsPossible() =>
        Enum.IsDefined(State)
        && Enum.IsDefined(Drain)
        && Sequence >= 0
        && Slot is >= 0 and < SlotPool.MaxSlotNumber
        && (State == SlotState.Free || Checkpoint.Attempt.Value >= Attempt.MinValue)
        && WorldSize is >= 0 and <= Rank.MaxValue + 1
        && ChunkGeometry.IsValid(ImageBytes, ChunkBytes)
        && DataOffset == ArenaGeometry.DataOffset(new ChunkGeometry(ImageBytes, ChunkBytes))
        && DataBytes == ArenaGeometry.DataBytes(ImageBytes)
        && ExtraBytes is >= 0 and <= ArenaGeometry.MaxExtraBytes
        && NamesBytes is >= 0 and <= ArenaGeometry.MaxNamesBytes
        && NanCount >= 0
        && InfCount >= 0;
}
