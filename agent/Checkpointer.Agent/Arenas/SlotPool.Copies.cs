using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Arenas;

/// <content>What the rank's images have to do with their copies on another node.</content>
internal sealed partial class SlotPool
{
    // How long an image that was copied is kept beside a newer copied one, so that ranks whose copies take longer can make
    // the older one whole on two nodes: a bound, so that a rank that never gets its copy done stops nobody for long.
    private static readonly TimeSpan CopyGrace = TimeSpan.FromSeconds(2);

    /// <summary>The newest image of this node's rank that a peer should have, with what the run's progress says; null if none.</summary>
    public CopyCandidate? NextCopy
    {
        get
        {
            lock (_gate)
            {
                if (_progress is not { } progress || _registeredAttempt != progress.Attempt)
                {
                    return null;
                }

                var newest = _slots
                    .Where(slot => slot.IsHolding && !slot.Replica && !slot.GivenUp && slot.Copy != CopyState.Ended
                        && !ReleaseRule.IsStale(slot.Snapshot!.Checkpoint, progress))
                    .MaxBy(slot => slot.Snapshot!.Checkpoint);
                return newest is null
                    ? null
                    : new CopyCandidate(
                        newest.Snapshot!.Checkpoint, newest.Seal!.Image, newest.WorldSize, newest.Geometry.ChunkBytes, newest.HeldAt, progress);
            }
        }
    }

    /// <summary>Keeps the slot of an image while a peer copies it. False if it is not held any more.</summary>
    public bool BeginCopy(CheckpointId checkpoint)
    {
        lock (_gate)
        {
            if (FindHeld(checkpoint) is not { Copy: not CopyState.Ended } slot)
            {
                return false;
            }

            slot.Copy = CopyState.Copying;
            return true;
        }
    }

    /// <summary>Whether the copying of that image may go on.</summary>
    public bool IsCopying(CheckpointId checkpoint)
    {
        lock (_gate)
        {
            return FindHeld(checkpoint) is { Copy: CopyState.Copying, GivenUp: false };
        }
    }

    /// <summary>A peer has it, or it is not being copied any more.</summary>
    public void EndCopy(CheckpointId checkpoint, bool copied)
    {
        lock (_gate)
        {
            if (FindHeld(checkpoint) is { Copy: CopyState.Copying } slot)
            {
                (slot.Copy, slot.CopiedAt) = (copied ? CopyState.Copied : CopyState.None, context.Time.GetTimestamp());
            }
        }

        Signal();
    }

    private Slot? FindHeld(CheckpointId checkpoint) =>
        _slots.Find(slot => slot.IsHolding && slot.Snapshot!.Checkpoint == checkpoint);

    private bool IsKeptForCopy(Slot slot)
    {
        if (slot.GivenUp || slot.Copy is CopyState.None or CopyState.Ended || _progress?.Peer is null)
        {
            return false;
        }

        var checkpoint = slot.Snapshot!.Checkpoint;
        if (slot.Copy == CopyState.Copying)
        {
            return true;
        }

        // Once something newer is protected, that is what a loss would leave.
        return !(_progress.Protected > checkpoint)
            && (context.Time.GetElapsedTime(slot.CopiedAt) < CopyGrace
                || !_slots.Exists(other => other.Copy == CopyState.Copied && other.Snapshot!.Checkpoint > checkpoint));
    }

    /// <summary>
    /// A slot that only copying keeps: a save that is to become durable comes first, and with two slots any save does once
    /// nothing is being copied, because what is protected and what is newest may be two steps. Null if there is none yet; one
    /// that a peer reads right now is not given to others, and becomes free when that ends.
    /// </summary>
    private Slot? TakeFromCopying(bool durable)
    {
        var isTight = _slots.FindAll(Fits).Count <= ArenaOptions.MinSlotsPerRank
            && (durable || !_slots.Exists(slot => slot.Copy == CopyState.Copying));
        if (!durable && !isTight)
        {
            return null;
        }

        var progress = isTight && _progress is { } known ? known with { Protected = null } : _progress;
        var slot = _slots
            .Where(slot => Fits(slot) && slot.State == SlotState.Sealed && slot.Drain != DrainState.Pending
                && ReleaseRule.Permits(slot.Snapshot!.Checkpoint, progress, slot.GivenUp))
            .MinBy(slot => slot.Snapshot!.Checkpoint);
        if (slot is null)
        {
            return null;
        }

        slot.Copy = CopyState.Ended;
        return slot.Leases == 0 ? slot : null;
    }

    /// <summary>Ends a copying if nothing else gives a slot to a save that is to become durable, and waits for its reader to end.</summary>
    private async Task EndCopiesAsync(bool durable, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (!_slots.Exists(slot => Fits(slot) && CanGo(slot)))
            {
                _ = TakeFromCopying(durable);
            }
        }

        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (!_slots.Exists(slot => slot.Copy == CopyState.Ended && slot.Leases > 0))
                {
                    return;
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }
}
