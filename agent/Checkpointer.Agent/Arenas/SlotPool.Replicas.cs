using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Agent.Arenas;

/// <content>Copies of images of a rank that runs on another node.</content>
internal sealed partial class SlotPool
{
    /// <summary>Most slots for copies of one rank: the newest whole one, the protected one, and one to fill.</summary>
    public const int MaxReplicas = 3;

    /// <summary>Whether that very image is held.</summary>
    public bool Holds(CheckpointId checkpoint, SealedImage image)
    {
        lock (_gate)
        {
            return FindHeld(checkpoint) is { } slot && slot.Seal!.Image.Root == image.Root;
        }
    }

    /// <summary>
    /// Says why a copy cannot be offered: <see cref="ErrorCode.StaleAttempt"/>, <see cref="ErrorCode.InvalidRequest"/> (the rank
    /// runs on this node), <see cref="ErrorCode.MemoryBudgetExceeded"/>. Takes nothing.
    /// </summary>
    public void CheckReplica(Attempt attempt, SealedImage image)
    {
        long bytes;
        lock (_gate)
        {
            RequireForeign(attempt);
            bytes = BytesOf(image.ImageBytes);
            if (_slots.Exists(slot => slot.Geometry.ImageBytes == image.ImageBytes && (slot.Replica || CanGo(slot))))
            {
                return;
            }
        }

        if (bytes > context.Budget.LimitBytes - context.Budget.UsedBytes)
        {
            context.MakeRoom(bytes, this);
        }

        RequireBudget(bytes, context.Budget.LimitBytes - context.Budget.UsedBytes >= bytes && HasRoom(bytes));
    }

    /// <summary>
    /// A slot in which to copy <paramref name="checkpoint"/> from the node of its rank. What it needs is taken from the budget
    /// before anything is allocated; images that must be kept are never touched, nor the newest whole copy. Errors:
    /// <see cref="ErrorCode.StaleAttempt"/>, <see cref="ErrorCode.InvalidRequest"/> (the rank runs here),
    /// <see cref="ErrorCode.MemoryBudgetExceeded"/>, <see cref="ErrorCode.SlotBusy"/>.
    /// </summary>
    public async Task<RestoreSlot> OpenForReplicaAsync(
        Attempt attempt, CheckpointId checkpoint, Layout layout, int worldSize, CancellationToken cancellationToken)
    {
        RequireCuttable(layout);
        await _making.WaitAsync(cancellationToken);
        try
        {
            // Asked only when something whole would have to go: the newest word decides what that may be.
            var taken = TryTakeReplica(attempt, checkpoint, layout, worldSize, mayReplace: false)
                ?? TryMakeReplica(attempt, checkpoint, layout, worldSize);
            if (taken is null)
            {
                if (await context.ProgressSource.FetchAsync(Run, cancellationToken) is { } progress)
                {
                    context.Observe(progress);
                }

                taken = TryTakeReplica(attempt, checkpoint, layout, worldSize, mayReplace: true);
            }

            return new RestoreSlot(this, taken ?? throw Busy(checkpoint), context.Seals, pause: null);
        }
        finally
        {
            _making.Release();
        }
    }

    /// <summary>Whether what is being copied into that slot is still wanted: it was not given to a rank of this node, nor given up.</summary>
    internal bool IsWanted(Slot slot)
    {
        lock (_gate)
        {
            return !slot.Dropped && !slot.GivenUp;
        }
    }

    /// <summary>Gives back a slot beyond the two that a rank needs, if one can go. Returns whether it did.</summary>
    public bool TryDropSpare()
    {
        lock (_gate)
        {
            var fitting = _slots.FindAll(Fits);
            if (fitting.Count <= ArenaOptions.MinSlotsPerRank
                || fitting.Where(CanGo).OrderBy(slot => slot.State == SlotState.Sealed).FirstOrDefault() is not { } spare)
            {
                return false;
            }

            _wanted = fitting.Count - 1;
            Remove(spare);
            LogFewerSlots(context.Logger, Run, Rank, _wanted, spare.File.LengthBytes, context.Options.SlotsPerRank);
            return true;
        }
    }

    /// <summary>Gives back all copies for a rank of another node; one that is being filled when its writer has noticed.</summary>
    public bool TryEvictReplicas()
    {
        lock (_gate)
        {
            var replicas = _slots.FindAll(slot => slot.Replica);
            replicas.ForEach(Remove);
            if (replicas.Count > 0)
            {
                LogReplicaEvicted(context.Logger, Run, Rank);
            }

            return replicas.Count > 0;
        }
    }

    private Slot? TryTakeReplica(Attempt attempt, CheckpointId checkpoint, Layout layout, int worldSize, bool mayReplace)
    {
        lock (_gate)
        {
            RequireForeign(attempt);
            var newest = _slots.Where(slot => slot.IsHolding).MaxBy(slot => slot.Snapshot!.Checkpoint);
            var slot = _slots
                .Where(slot => FitsLayout(slot, layout) && CanGo(slot) && slot.File.IsWhole
                    && (slot.State is SlotState.Free or SlotState.Failed || (mayReplace && (slot != newest || slot.GivenUp))))
                .OrderBy(slot => slot.State != SlotState.Free)
                .ThenBy(slot => slot.State == SlotState.Sealed)
                .ThenBy(slot => slot.Snapshot?.Checkpoint)
                .FirstOrDefault();
            return slot is null ? null : FillReplica(slot, checkpoint, layout, worldSize);
        }
    }

    private Slot? TryMakeReplica(Attempt attempt, CheckpointId checkpoint, Layout layout, int worldSize)
    {
        int number;
        var bytes = BytesOf(layout.ImageBytes);
        lock (_gate)
        {
            // Copies of another size are of no use to anybody once they can go.
            ReleaseMisfits(layout);
            if (_slots.Count >= MaxReplicas)
            {
                return null;
            }

            number = Enumerable.Range(0, MaxSlotNumber).First(n => _slots.TrueForAll(slot => slot.Number != n));
        }

        if (!HasRoom(bytes) || !context.Budget.TryTake(bytes))
        {
            context.MakeRoom(bytes, this);
            var isTaken = HasRoom(bytes) && context.Budget.TryTake(bytes);
            if (!isTaken && Holdings.Count > 0)
            {
                return null;
            }

            RequireBudget(bytes, isTaken);
        }

        try
        {
            var slot = MakeSlot(number, bytes, layout, replica: true);
            lock (_gate)
            {
                RequireForeign(attempt);
                return slot.Dropped ? null : FillReplica(slot, checkpoint, layout, worldSize);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            context.Budget.Return(bytes);
            throw new CheckpointerException(ErrorCode.MemoryBudgetExceeded, $"No arena could be made: {e.Message}", inner: e);
        }
    }

    private Slot FillReplica(Slot slot, CheckpointId checkpoint, Layout layout, int worldSize)
    {
        if (slot.State != SlotState.Free)
        {
            slot.Change(SlotEvent.Release);
        }

        SetLayout(slot, layout);
        slot.Fill(SlotEvent.Rebuild, new Snapshot(checkpoint, durable: false), layout, worldSize, replica: true);
        slot.Leases++;
        Invariant.Holds(slot.File.TryUse());
        return slot;
    }

    /// <summary>A copy never raises the fence, which is the service's: it is only refused below it.</summary>
    private void RequireForeign(Attempt attempt)
    {
        if (attempt < _attempt)
        {
            RequireCurrent(attempt);
        }

        if (_layout is not null && _registeredAttempt == attempt)
        {
            throw new CheckpointerException(
                ErrorCode.InvalidRequest, $"Rank {Rank} of run {Run} runs on this node ({context.Options.Node}): it needs no copy of its images here.");
        }
    }

    private long BytesOf(long imageBytes) => ChunkGeometry.IsValid(imageBytes, context.Options.ChunkBytes)
        ? ArenaGeometry.DataOffset(new ChunkGeometry(imageBytes, context.Options.ChunkBytes)) + ArenaGeometry.DataBytes(imageBytes)
        : throw new CheckpointerException(ErrorCode.InvalidRequest, $"No image has {imageBytes} bytes.");

    private void RequireBudget(long bytes, bool holds)
    {
        if (!holds)
        {
            throw new CheckpointerException(
                ErrorCode.MemoryBudgetExceeded,
                $"Node {context.Options.Node} has no room for a copy of rank {Rank} of run {Run}: it needs {bytes} bytes, and of the {context.Budget.LimitBytes} that arenas may take {context.Budget.UsedBytes} are taken. Raise that agent's memory budget.");
        }
    }

    private CheckpointerException Busy(CheckpointId checkpoint)
    {
        lock (_gate)
        {
            return new CheckpointerException(
                ErrorCode.SlotBusy, $"{Name(checkpoint)} cannot be copied yet: no slot is free ({DescribeSlots()}).");
        }
    }
}
