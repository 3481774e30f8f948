using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Storage.CrashPoints;

namespace Checkpointer.Agent.Arenas;

/// <content>Which slots there are for a layout, and which may go.</content>
internal sealed partial class SlotPool
{
    /// <summary>
    /// Makes <paramref name="layout"/> the one that snapshots have. Slots of the right size are kept; others go as soon
    /// as the release rule lets them; new ones are admitted here, reserved and pre-faulted in the background, or when they
    /// are first used if that is earlier. Errors: <see cref="ErrorCode.StaleAttempt"/>,
    /// <see cref="ErrorCode.WorldMismatch"/>, <see cref="ErrorCode.MemoryBudgetExceeded"/> (the old layout stays then).
    /// While images of an older size must be kept, fewer slots than configured will do: one at least. Where memory has no room
    /// for all, two will do.
    /// </summary>
    public async Task<RegisterLayoutResponse> RegisterAsync(
        Attempt attempt, int worldSize, Layout layout, CancellationToken cancellationToken)
    {
        if (worldSize is < 1 or > Rank.MaxValue + 1 || Rank.Value >= worldSize)
        {
            throw new CheckpointerException(
                ErrorCode.WorldMismatch, $"Rank {Rank} of run {Run} cannot be in a world of {worldSize}.");
        }

        RequireCuttable(layout);
        await _making.WaitAsync(cancellationToken);
        try
        {
            lock (_gate)
            {
                RequireCurrent(attempt);
                Touch();
                _wanted = context.Options.SlotsPerRank;
            }

            var held = folder.Layouts.Hold(layout);
            try
            {
                MakeSlots(held, cancellationToken);
            }
            catch
            {
                folder.Layouts.Release(held);
                throw;
            }

            lock (_gate)
            {
                if (_layout is { } former)
                {
                    folder.Layouts.Release(former);
                }

                (_layout, _worldSize, _registeredAttempt, _refillFault) = (held, worldSize, attempt, null);
                _slots.ForEach(slot => slot.Replica = false);
                RetireMisfits();
                foreach (var slot in _slots.Where(Fits))
                {
                    slot.Registration = (attempt, worldSize);
                    if (slot.State == SlotState.Free)
                    {
                        SetLayout(slot, held);
                        slot.WriteHeader();
                    }
                }

                return new RegisterLayoutResponse
                {
                    Layout = layout.Digest,
                    ImageBytes = layout.ImageBytes,
                    Slots = Locations,
                };
            }
        }
        finally
        {
            _making.Release();
        }
    }

    /// <summary>Slots that snapshots of the registered layout can go to, in use or not, by number.</summary>
    public IReadOnlyList<SlotLocation> Locations
    {
        get
        {
            lock (_gate)
            {
                return [.. _slots.Where(Fits).OrderBy(slot => slot.Number).Select(slot => slot.Location)];
            }
        }
    }

    /// <summary>Gives everything up, as readers end.</summary>
    public void Drop()
    {
        var ends = new List<CancellationTokenSource>();
        lock (_gate)
        {
            _dropped = true;
            foreach (var slot in _slots.ToArray())
            {
                if (slot.DrainEnd is { } end)
                {
                    ends.Add(end);
                }

                if (slot.Snapshot is { IsFinal: false } snapshot)
                {
                    snapshot.Fail(ErrorCode.NotFound, "The run was dropped from this agent.");
                }

                Remove(slot);
            }

            if (_layout is { } layout)
            {
                folder.Layouts.Release(layout);
                _layout = null;
            }
        }

        ends.ForEach(end => end.Cancel());
        Signal();
    }

    private void RequireCuttable(Layout layout)
    {
        if (!ChunkGeometry.IsValid(layout.ImageBytes, context.Options.ChunkBytes))
        {
            throw new CheckpointerException(
                ErrorCode.LimitExceeded,
                $"An image of {layout.ImageBytes} bytes is more than {ChunkGeometry.MaxChunks} chunks of {context.Options.ChunkBytes} bytes.");
        }
    }

    private bool Fits(Slot slot) => _layout is { } layout && FitsLayout(slot, layout);

    private bool FitsLayout(Slot slot, Layout layout) =>
        !slot.Retiring && slot.Geometry.ImageBytes == layout.ImageBytes && slot.Geometry.ChunkBytes == context.Options.ChunkBytes;

    private void RetireMisfits()
    {
        foreach (var slot in _slots.Where(slot => !Fits(slot)))
        {
            slot.Retiring = true;
        }

        RemoveRetired();
    }

    private void ReleaseMisfits(Layout layout) =>
        _slots.FindAll(slot => !FitsLayout(slot, layout) && CanGo(slot)).ForEach(Remove);

    private void RemoveRetired() => _slots.FindAll(slot => slot.Retiring && CanGo(slot)).ForEach(Remove);

    /// <summary>Whether nobody needs what the slot holds.</summary>
    private bool CanGo(Slot slot) => slot.Leases == 0 && slot.State switch
    {
        SlotState.Free or SlotState.Failed => true,
        SlotState.Sealed => ReleaseRule.Permits(slot.Snapshot!.Checkpoint, _progress, slot.GivenUp) && !IsKeptForCopy(slot),
        _ => false,
    };

    /// <summary>A free slot of the registered layout's size; one is made free if the rule permits it; null if none can be.</summary>
    private Slot? TakeFree(bool ends = false, bool durable = false)
    {
        // Who maps a file that was shortened dies by SIGBUS at the first touch.
        _slots.FindAll(s => !s.File.IsWhole && CanGo(s)).ForEach(Remove);
        Refill();
        var slot = _slots.Find(s => Fits(s) && s.State == SlotState.Free && s.Leases == 0)
            ?? _slots.Where(s => Fits(s) && CanGo(s))
                .OrderBy(s => s.State == SlotState.Sealed)
                .ThenBy(s => s.Snapshot!.Checkpoint)
                .FirstOrDefault()
            ?? (ends ? TakeFromCopying(durable) : null);
        if (slot is not null && slot.State != SlotState.Free)
        {
            slot.Change(SlotEvent.Release);
        }

        return slot;
    }

    private void SetLayout(Slot slot, Layout layout)
    {
        if (slot.Layout != layout)
        {
            folder.Layouts.Release(slot.Layout);
            slot.Layout = folder.Layouts.Hold(layout);
        }
    }

    /// <summary>
    /// Gives up an open slot. Its file goes with it: a trainer that was fenced out, or thinks that it still captures, may
    /// go on writing into its mapping, which then belongs to nobody.
    /// </summary>
    private SnapshotReport Abandon(Slot slot, ErrorCode error, string reason)
    {
        Invariant.Holds(slot.State == SlotState.Open && slot.Leases == 0);
        var snapshot = slot.Snapshot!;
        snapshot.Fail(error, reason);
        Remove(slot);
        Refill();
        LogAbandoned(context.Logger, Run, Rank, snapshot.Checkpoint, reason);
        return ToReport(snapshot.Checkpoint, SnapshotOutcome.Discarded, snapshot.Durable, reason);
    }

    private void Remove(Slot slot)
    {
        if (_slots.Remove(slot))
        {
            slot.Dropped = true;
            slot.File.Unlink();
            CrashPoint.Reach(CrashPointNames.ArenaUnlinked);
            slot.File.Release();
            folder.Layouts.Release(slot.Layout);
        }
    }

    private void Signal()
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            (changed, _changed) = (_changed, NewSource());
        }

        changed.SetResult();
    }
}
