using System.Text;
using System.Text.Json;
using Checkpointer.Agent.Draining;
using Checkpointer.Agent.Sealing;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Storage.CrashPoints;

namespace Checkpointer.Agent.Arenas;

/// <content>What readers, sealing, draining and restores do with slots.</content>
internal sealed partial class SlotPool
{
    /// <summary>A right to read the sealed image of <paramref name="checkpoint"/>; null if no slot holds it.</summary>
    public SlotLease? TryLease(CheckpointId checkpoint)
    {
        lock (_gate)
        {
            return _slots.Find(slot => slot.IsHolding && slot.Copy != CopyState.Ended && slot.Snapshot!.Checkpoint == checkpoint) is { } slot
                ? Lease(slot)
                : null;
        }
    }

    /// <summary>
    /// A slot in which to rebuild <paramref name="checkpoint"/> in the registered layout. Waits while slots are being
    /// made or readers end; never takes the slot of an image that must be kept. Errors:
    /// <see cref="ErrorCode.StaleAttempt"/>, <see cref="ErrorCode.LayoutMismatch"/> (none registered),
    /// <see cref="ErrorCode.SlotBusy"/> (nothing can become free), <see cref="ErrorCode.MemoryBudgetExceeded"/>.
    /// </summary>
    public async Task<RestoreSlot> OpenForRestoreAsync(
        Attempt attempt, CheckpointId checkpoint, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            Slot? taken;
            lock (_gate)
            {
                RequireCurrent(attempt);
                Touch();
                var layout = _layout ?? throw new CheckpointerException(
                    ErrorCode.LayoutMismatch, $"Rank {Rank} of run {Run} has registered no layout.");
                taken = TakeFree();
                if (taken is not null)
                {
                    SetLayout(taken, layout);
                    taken.Fill(SlotEvent.Rebuild, new Snapshot(checkpoint, durable: false), layout, _worldSize);
                    taken.Leases++;
                    Invariant.Holds(taken.File.TryUse());
                }
                else if (!_refilling && !_slots.Exists(s => s.Leases > 0))
                {
                    throw new CheckpointerException(
                        _refillFault?.Code ?? ErrorCode.SlotBusy,
                        $"{Name(checkpoint)} cannot be rebuilt: no slot is free ({DescribeSlots()}). {_refillFault?.Message}");
                }

                changed = _changed.Task;
            }

            if (taken is not null)
            {
                return new RestoreSlot(this, taken, context.Seals, context.Prefaulter.Pause());
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Ends a use of a slot: of a lease, a restore, a hashing.</summary>
    internal void EndUse(Slot slot)
    {
        lock (_gate)
        {
            slot.Leases--;
            Invariant.Holds(slot.Leases >= 0);
            slot.File.Release();
            RemoveRetired();
        }

        Refill();
        Signal();
    }

    /// <summary>A use for hashing; false if the slot was dropped meanwhile.</summary>
    internal bool TryStartHashing(Slot slot)
    {
        lock (_gate)
        {
            if (slot.Dropped || slot.State != SlotState.Captured)
            {
                return false;
            }

            slot.Leases++;
            Invariant.Holds(slot.File.TryUse());
            return true;
        }
    }

    /// <summary>The image is hashed: it is held from now on, reported, and drained if wanted.</summary>
    internal void CompleteSeal(Slot slot, ImageSeal seal)
    {
        SlotLease? draining;
        Snapshot snapshot;
        lock (_gate)
        {
            if (slot.Dropped)
            {
                return;
            }

            snapshot = slot.Snapshot!;
            slot.Hold(seal, resharded: false);
            slot.HeldAt = context.Time.GetTimestamp();
            if (snapshot.State == SnapshotState.Captured)
            {
                snapshot.Advance(SnapshotState.Sealed, seal.Image.Root);
            }

            draining = LeaseForDrain(slot);
        }

        CrashPoint.Reach(CrashPointNames.SnapshotSealed);
        LogSealed(context.Logger, Run, Rank, snapshot.Checkpoint, seal.Image.Root);
        Announce(slot, snapshot, seal.Image, draining);
    }

    /// <summary>The bytes could not be hashed, or are not what was sealed: nobody gets them any more.</summary>
    internal void Damage(Slot slot, CheckpointerException fault)
    {
        SnapshotReport report;
        lock (_gate)
        {
            if (slot.Dropped || slot.State is not (SlotState.Captured or SlotState.Sealed))
            {
                return;
            }

            var snapshot = slot.Snapshot!;
            slot.Drain = slot.Drain == DrainState.Pending ? DrainState.GivenUp : slot.Drain;
            slot.Change(SlotEvent.Damage);
            snapshot.Fail(fault.Code, fault.Message);
            LogDamaged(context.Logger, Run, Rank, snapshot.Checkpoint, fault.Message);
            report = ToReport(snapshot.Checkpoint, SnapshotOutcome.Discarded, snapshot.Durable, fault.Message);
        }

        context.Reporter.Report(Run, report);
        Signal();
    }

    /// <summary>The drain of a slot has ended, by the service's word or by a fault that repeating does not mend.</summary>
    internal void EndDrain(Slot slot, DrainState outcome, ErrorCode error, string why)
    {
        SnapshotReport? report = null;
        lock (_gate)
        {
            slot.DrainEnd = null;
            if (slot.Dropped || slot.Drain != DrainState.Pending)
            {
                return;
            }

            var snapshot = slot.Snapshot!;
            if (outcome == DrainState.Durable)
            {
                slot.Drain = DrainState.Durable;
                slot.WriteHeader();
                snapshot.Advance(SnapshotState.Durable);
                LogDrained(context.Logger, Run, Rank, snapshot.Checkpoint);
                return;
            }

            GiveUpDrain(slot, error, why);
            LogDrainGivenUp(context.Logger, Run, Rank, snapshot.Checkpoint, why);
            if (error is not (ErrorCode.StaleAttempt or ErrorCode.CheckpointConflict))
            {
                report = ToReport(snapshot.Checkpoint, SnapshotOutcome.Discarded, snapshot.Durable, why);
            }
        }

        if (report is not null)
        {
            context.Reporter.Report(Run, report);
        }
    }

    /// <summary>A restore has rebuilt the slot's image.</summary>
    internal SlotLease CompleteRestore(Slot slot, ImageSeal seal, bool resharded, JsonElement? extra)
    {
        lock (_gate)
        {
            slot.PutExtra(extra is { } value ? Encoding.UTF8.GetBytes(value.GetRawText()) : default);
            slot.Hold(seal, resharded);
            slot.HeldAt = context.Time.GetTimestamp();
            slot.Snapshot!.Advance(SnapshotState.Sealed, seal.Image.Root);
            context.Held();
            return Lease(slot);
        }
    }

    /// <summary>A restore has given up: the slot holds nothing.</summary>
    internal void AbandonRestore(Slot slot)
    {
        lock (_gate)
        {
            if (!slot.Dropped && slot.State == SlotState.Rebuilding)
            {
                slot.Change(SlotEvent.Release);
            }
        }
    }

    private SlotLease Lease(Slot slot)
    {
        slot.Leases++;
        Invariant.Holds(slot.File.TryUse());
        return new SlotLease(this, slot);
    }

    private SlotLease? LeaseForDrain(Slot slot)
    {
        if (slot.Drain != DrainState.Pending || slot.GivenUp)
        {
            return null;
        }

        slot.DrainEnd = new CancellationTokenSource();
        slot.DrainWaits = true;
        return Lease(slot);
    }

    /// <summary>Tells the service first, then lets the drain begin: reports of a rank stay in order.</summary>
    private void Announce(Slot slot, Snapshot snapshot, SealedImage image, SlotLease? draining)
    {
        context.Held();
        var report = ToReport(snapshot.Checkpoint, SnapshotOutcome.Sealed, snapshot.Durable, reason: null, image);
        context.Reporter.Report(Run, report with { DataCursor = SavedCursor.Find(slot.ExtraUtf8) });
        if (draining is not null)
        {
            context.Drains.Enqueue(new DrainJob(this, draining));
        }
    }
}
