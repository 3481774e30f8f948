using Checkpointer.Agent.Sealing;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Storage.CrashPoints;

namespace Checkpointer.Agent.Arenas;

/// <summary>
/// One slot: a file and what is in it. The pool's lock guards everything that changes; what is written into the file's
/// header page is what these fields say, always after the bytes that the page speaks of.
/// </summary>
internal sealed class Slot
{
    private long _sequence;

    public Slot(RunId run, Rank rank, int number, ArenaFile file, Layout layout, int chunkBytes)
    {
        (Run, Rank, Number, File, Layout) = (run, rank, number, file, layout);
        Geometry = new ChunkGeometry(layout.ImageBytes, chunkBytes);
        DataOffset = ArenaGeometry.DataOffset(Geometry);
        DataBytes = ArenaGeometry.DataBytes(layout.ImageBytes);
        Invariant.Holds(file.LengthBytes == DataOffset + DataBytes);
    }

    public RunId Run { get; }

    public Rank Rank { get; }

    public int Number { get; }

    public ArenaFile File { get; }

    /// <summary>The layout of what it holds, or will hold. Changes only while free, to one of the same length.</summary>
    public Layout Layout { get; set; }

    public ChunkGeometry Geometry { get; }

    public long DataOffset { get; }

    public long DataBytes { get; }

    public SlotState State { get; private set; } = SlotState.Free;

    public DrainState Drain { get; set; }

    /// <summary>Null if free.</summary>
    public Snapshot? Snapshot { get; private set; }

    public int WorldSize { get; private set; }

    /// <summary>The attempt for which its size was registered last, and that one's world; a free slot's page tells the next process.</summary>
    public (Attempt Attempt, int WorldSize) Registration { get; set; }

    /// <summary>Null unless sealed.</summary>
    public ImageSeal? Seal { get; private set; }

    public ReadOnlyMemory<byte> ExtraUtf8 { get; set; }

    public bool Resharded { get; private set; }

    /// <summary>Whether the service or the pool gave its snapshot up.</summary>
    public bool GivenUp { get; set; }

    /// <summary>Whether it was made, or last filled, as a copy for a rank of another node.</summary>
    public bool Replica { get; set; }

    /// <summary>How far the copy of its image on another node is.</summary>
    public CopyState Copy { get; set; }

    /// <summary>When that copy was whole, as a timestamp of the time provider.</summary>
    public long CopiedAt { get; set; }

    /// <summary>When its image was sealed or rebuilt, or was found; likewise.</summary>
    public long HeldAt { get; set; }

    /// <summary>Readers; while there is one the slot is not released.</summary>
    public int Leases { get; set; }

    /// <summary>To go as soon as the rule permits: the rank's layout has another size by now.</summary>
    public bool Retiring { get; set; }

    /// <summary>Whether it is a slot of its pool no more; its memory stays while it is read.</summary>
    public bool Dropped { get; set; }

    /// <summary>Whether an earlier process filled it, which may have told the service.</summary>
    public bool IsAdopted { get; private set; }

    /// <summary>Whether its drain waits for others or for a store that fails, with nothing under way that would be lost.</summary>
    public bool DrainWaits { get; set; }

    /// <summary>Ends the drain of its snapshot; null if none is under way.</summary>
    public CancellationTokenSource? DrainEnd { get; set; }

    /// <summary>Whether it holds an image that may be offered to others as the checkpoint's.</summary>
    public bool IsHolding => State == SlotState.Sealed && !Resharded;

    public SlotLocation Location => new()
    {
        Slot = Number,
        Path = File.Path,
        Generation = File.GenerationText,
        DataOffset = DataOffset,
        DataBytes = DataBytes,
    };

    /// <summary>Begins to be filled, by a trainer or a restore.</summary>
    public void Fill(SlotEvent happening, Snapshot snapshot, Layout layout, int worldSize, bool resharded = false, bool replica = false)
    {
        Invariant.Holds(layout.ImageBytes == Layout.ImageBytes);
        Change(happening);
        (Snapshot, Layout, WorldSize, Resharded) = (snapshot, layout, worldSize, resharded);
        Drain = snapshot.Durable && happening == SlotEvent.Begin ? DrainState.Pending : DrainState.NotWanted;
        (GivenUp, IsAdopted, Replica, Copy) = (false, false, replica, CopyState.None);
        WriteHeader();
    }

    /// <summary>All bytes of the extra value and of the image are in.</summary>
    public void Capture(ReadOnlyMemory<byte> extraUtf8)
    {
        PutExtra(extraUtf8);
        Change(SlotEvent.Capture);
    }

    public void PutExtra(ReadOnlyMemory<byte> extraUtf8)
    {
        ExtraUtf8 = extraUtf8;
        extraUtf8.Span.CopyTo(File.Slice(ArenaGeometry.ExtraOffset, ArenaGeometry.MaxExtraBytes).Span);
        CrashPoint.Reach(CrashPointNames.ArenaExtraWritten);
    }

    /// <summary>The bytes are hashed: the hashes go into the file first, then the state.</summary>
    public void Hold(ImageSeal seal, bool resharded)
    {
        Seal = seal;
        Resharded = resharded;
        SealStore.Write(File, seal);
        CrashPoint.Reach(CrashPointNames.ArenaSealWritten);
        Change(SlotEvent.Seal);
    }

    /// <summary>Becomes what an earlier process had written.</summary>
    public void Adopt(ArenaHeader header, Snapshot? snapshot, ImageSeal? seal, ReadOnlyMemory<byte> extraUtf8)
    {
        _sequence = header.Sequence;
        Registration = (header.Checkpoint.Attempt, header.WorldSize);
        IsAdopted = true;
        (State, Drain, WorldSize, Resharded) = (header.State, header.Drain, header.WorldSize, header.Resharded);
        (Snapshot, Seal, ExtraUtf8, Replica) = (snapshot, seal, extraUtf8, header.Replica);
    }

    /// <summary>Changes the state and writes it down.</summary>
    public void Change(SlotEvent happening)
    {
        State = SlotTransitions.Next(State, happening);
        if (State is SlotState.Free)
        {
            (Snapshot, Seal, ExtraUtf8, Drain, GivenUp, Resharded) = (null, null, default, DrainState.NotWanted, false, false);
            Copy = CopyState.None;
        }

        // Fill writes the page itself, once it says whose the slot is.
        if (State is not (SlotState.Open or SlotState.Rebuilding))
        {
            WriteHeader();
        }
    }

    /// <summary>Writes what the fields say into the older of the two pages. A file that was shortened is left alone: its next reader says so.</summary>
    public void WriteHeader()
    {
        if (!File.IsWhole)
        {
            return;
        }

        _sequence++;
        new ArenaHeader
        {
            Run = Run,
            Rank = Rank,
            Slot = Number,
            Generation = File.Generation,
            Sequence = _sequence,
            State = State,
            Drain = Drain,
            Checkpoint = Snapshot?.Checkpoint ?? new CheckpointId(default, Registration.Attempt),
            WorldSize = Snapshot is null ? Registration.WorldSize : WorldSize,
            Durable = Snapshot?.Durable ?? false,
            Resharded = Resharded,
            Replica = Replica,
            ChunkBytes = Geometry.ChunkBytes,
            ImageBytes = Geometry.ImageBytes,
            DataOffset = DataOffset,
            DataBytes = DataBytes,
            Layout = Layout.Digest,
            Root = Seal?.Root ?? default,
            ExtraBytes = ExtraUtf8.Length,
            ExtraHash = ChunkHash.Compute(ExtraUtf8.Span),
            NamesBytes = SealStore.LengthOfNames(Seal),
            NamesHash = SealStore.HashOfNames(Seal),
            NanCount = Seal?.Image.NanCount ?? 0,
            InfCount = Seal?.Image.InfCount ?? 0,
        }.WriteTo(File.Slice(0, 2 * ArenaGeometry.PageBytes).Span);
        CrashPoint.Reach(CrashPointNames.ArenaHeaderWritten);
    }
}
