using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Agent.Arenas;

/// <content>Taking over what an earlier process of this agent left.</content>
internal sealed partial class SlotPool
{
    /// <summary>
    /// Makes the file a slot of this pool, or says why it cannot be one. Sealed images are held again without hashing:
    /// their hashes are checked against the root here, their bytes by whoever reads them (drain, restore and peer reads
    /// verify every chunk anyway), so that a restart costs no memory bandwidth that trainers want. A captured image is
    /// hashed anew. An open one, or a half-made restore, is refused: its trainer may still be writing, and begins again.
    /// </summary>
    internal string? Adopt(ArenaFile file, ArenaHeader header)
    {
        if (header.State is not (SlotState.Free or SlotState.Captured or SlotState.Sealed))
        {
            return $"its state is {header.State}";
        }

        if (folder.Layouts.TryHold(header.Layout) is not { } layout)
        {
            return $"its layout {header.Layout} is missing or damaged";
        }

        var fault = layout.ImageBytes != header.ImageBytes ? "its layout has another length" : AdoptWith(file, header, layout);
        if (fault is not null)
        {
            folder.Layouts.Release(layout);
        }

        return fault;
    }

    /// <summary>After all files: goes on with what they hold.</summary>
    internal void ResumeAdopted()
    {
        var sealedSlots = new List<(Slot Slot, SlotLease? Drain)>();
        List<Slot> captured;
        List<Slot> free;
        lock (_gate)
        {
            Touch();
            if (_slots.Where(slot => !slot.Replica).OrderByDescending(slot => slot.Registration.Attempt).ThenBy(slot => slot.State).FirstOrDefault() is { } newest)
            {
                _layout = folder.Layouts.Hold(newest.Layout);
                (_registeredAttempt, _worldSize) = newest.Registration;
                _attempt = _attempt < _registeredAttempt ? _registeredAttempt : _attempt;
            }

            captured = _slots.FindAll(slot => slot.State == SlotState.Captured);

            // The earlier process may have ended before they had all their memory.
            free = _slots.FindAll(slot => slot.State == SlotState.Free);
            sealedSlots.AddRange(_slots.Where(slot => slot.IsHolding && !slot.Replica).Select(slot => (slot, LeaseForDrain(slot))));
        }

        foreach (var (slot, drain) in sealedSlots.OrderBy(pair => pair.Slot.Snapshot!.Checkpoint))
        {
            Announce(slot, slot.Snapshot!, slot.Seal!.Image, drain);
        }

        captured.ForEach(slot => context.Seals.Enqueue(this, slot));
        free.ForEach(slot => context.Prefaulter.Enqueue(slot.File));
        Refill();
    }

    private string? AdoptWith(ArenaFile file, ArenaHeader header, Layout layout)
    {
        var extra = file.Slice(ArenaGeometry.ExtraOffset, header.ExtraBytes).ToArray();
        if (ChunkHash.Compute(extra) != header.ExtraHash)
        {
            return "its extra value is damaged";
        }

        var seal = header.State == SlotState.Sealed ? SealStore.TryRead(file, header) : null;
        if (header.State == SlotState.Sealed && seal is null)
        {
            return "its chunk hashes are not those of its root";
        }

        var slot = new Slot(Run, Rank, header.Slot, file, layout, header.ChunkBytes);
        var snapshot = header.State == SlotState.Free ? null : new Snapshot(header.Checkpoint, header.Durable);
        slot.Adopt(header, snapshot, seal, extra);
        slot.HeldAt = context.Time.GetTimestamp();
        if (snapshot is not null)
        {
            snapshot.Advance(StateOf(header), seal?.Image.Root);
            if (header.Drain == DrainState.GivenUp)
            {
                // Whether the slot may go is another question: the service answers it anew.
                snapshot.Fail(ErrorCode.CheckpointConflict, $"{Name(header.Checkpoint)} was given up before the agent restarted.");
            }
        }

        lock (_gate)
        {
            _slots.Add(slot);
            if (snapshot is not null)
            {
                Remember(snapshot);
                _attempt = _attempt < header.Checkpoint.Attempt ? header.Checkpoint.Attempt : _attempt;
                _lastBegun = _lastBegun is { } last && last > header.Checkpoint ? last : header.Checkpoint;
            }
        }

        return null;
    }

    private static SnapshotState StateOf(ArenaHeader header) => header switch
    {
        { State: SlotState.Captured } => SnapshotState.Captured,
        { Drain: DrainState.Durable } => SnapshotState.Durable,
        _ => SnapshotState.Sealed,
    };
}
