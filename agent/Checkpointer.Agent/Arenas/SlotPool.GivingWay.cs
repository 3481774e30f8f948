using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Arenas;

/// <content>
/// Which snapshots give way to a newer one when no slot is free because the service or the store is away, so that memory snapshots
/// go on. Never one that the service may count as held: the newest that all ranks have stays, whatever else happens.
/// </content>
internal sealed partial class SlotPool
{
    private static readonly TimeSpan RetryWithdrawal = TimeSpan.FromMilliseconds(5);

    /// <summary>A drain has begun to move bytes, or waits again.</summary>
    internal void MarkDrain(Slot slot, bool waits)
    {
        lock (_gate)
        {
            slot.DrainWaits = waits;
        }
    }

    /// <summary>
    /// Makes one snapshot give way if one may, and waits until its slot can be taken, at most
    /// <see cref="ArenaOptions.ProgressTimeout"/>. With <paramref name="isToldOfProgress"/> the service is there, and what it has
    /// not heard of yet it will hear of at once.
    /// </summary>
    private async Task GiveWayAsync(bool isToldOfProgress, CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(context.Options.ProgressTimeout, context.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            while (!HasFree())
            {
                if (GiveWay(isToldOfProgress) is { } slot)
                {
                    await SettleAsync(slot, both.Token);
                    return;
                }

                if (isToldOfProgress || !HasUnheard())
                {
                    return;
                }

                // The report is on the wire this very moment: whether that arrives is known soon.
                await Task.Delay(RetryWithdrawal, context.Time, both.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The next save may find it free.
        }
    }

    private Slot? GiveWay(bool isToldOfProgress)
    {
        Slot slot;
        CancellationTokenSource? end;
        SnapshotReport? report = null;
        lock (_gate)
        {
            if (OutlivedDrain() is { } outlived)
            {
                slot = outlived;
                var why = $"it waited for the object store and gave way to {NewestDurable(slot)}, which every rank has sealed";
                GiveUpDrain(slot, ErrorCode.CheckpointConflict, $"{Name(slot.Snapshot!.Checkpoint)} is not stored: {why}.");
                report = ToReport(slot.Snapshot.Checkpoint, SnapshotOutcome.Discarded, durable: true, why);
            }
            else if (!isToldOfProgress && Unheard().FirstOrDefault(
                unheard => context.Reporter.TryWithdraw(Run, Rank, unheard.Snapshot!.Checkpoint)) is { } withdrawn)
            {
                slot = withdrawn;
                GiveUpDrain(
                    slot,
                    ErrorCode.ServiceUnavailable,
                    $"{Name(slot.Snapshot!.Checkpoint)} gave way to a newer one while the service was away.");
            }
            else
            {
                return null;
            }

            slot.GivenUp = true;
            end = slot.DrainEnd;
            LogGaveWay(context.Logger, Run, Rank, slot.Snapshot.Checkpoint, report is null ? "service" : "object store");
        }

        if (report is not null)
        {
            context.Reporter.Report(Run, report);
        }

        end?.Cancel();
        return slot;
    }

    private bool HasFree()
    {
        lock (_gate)
        {
            return _refilling || _slots.Exists(slot => Fits(slot) && CanGo(slot));
        }
    }

    private bool HasUnheard()
    {
        lock (_gate)
        {
            return Unheard().Any();
        }
    }

    /// <summary>
    /// The oldest snapshot whose drain waits although every rank has sealed a newer one that is to be stored too. One whose bytes
    /// are on their way is left alone: else a store slower than saves come would never get a whole checkpoint.
    /// </summary>
    private Slot? OutlivedDrain() => _slots
        .Where(slot => slot is { State: SlotState.Sealed, Drain: DrainState.Pending, DrainWaits: true } && Fits(slot)
            && slot.Leases == (slot.DrainEnd is null ? 0 : 1)
            && NewestDurable(slot) is not null)
        .OrderBy(slot => slot.Snapshot!.Checkpoint)
        .FirstOrDefault();

    private CheckpointId? NewestDurable(Slot than) => _slots
        .Where(slot => slot.State == SlotState.Sealed && slot.Drain is DrainState.Pending or DrainState.Durable
            && slot.Snapshot!.Checkpoint.Step > than.Snapshot!.Checkpoint.Step
            && slot.Snapshot.Checkpoint.Step <= _progress?.GloballySealed?.Step)
        .Select(slot => (CheckpointId?)slot.Snapshot!.Checkpoint)
        .Max();

    /// <summary>
    /// Snapshots of this process that the service has not acknowledged to be of all ranks: first those in memory only, then those to
    /// be stored if there is a newer one; each oldest first. Whether it has heard of one at all the reports know.
    /// </summary>
    private IEnumerable<Slot> Unheard() => _slots
        .Where(slot => slot is { State: SlotState.Sealed, GivenUp: false, IsAdopted: false } && Fits(slot)
            && slot.Leases == (slot.DrainEnd is null ? 0 : 1)
            && slot.Snapshot!.Checkpoint is var checkpoint && checkpoint.Attempt == _attempt
            && checkpoint != _progress?.ResumedFrom
            && !(checkpoint.Step <= _progress?.GloballySealed?.Step)
            && (slot.Drain == DrainState.NotWanted || _slots.Exists(newer => newer.State == SlotState.Sealed
                && newer.Drain != DrainState.NotWanted && newer.Snapshot!.Checkpoint > checkpoint)))
        .OrderBy(slot => slot.Drain != DrainState.NotWanted)
        .ThenBy(slot => slot.Snapshot!.Checkpoint);

    /// <summary>Waits until nobody uses the slot any more.</summary>
    private async Task SettleAsync(Slot slot, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (slot.Leases == 0)
                {
                    return;
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }
}
