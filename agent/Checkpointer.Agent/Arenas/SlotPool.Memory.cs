using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Agent.Arenas;

/// <content>How slots are made and get their memory.</content>
internal sealed partial class SlotPool
{
    /// <summary>Brings the pool to its number of slots of that layout's size. Only under <see cref="_making"/>.</summary>
    private void MakeSlots(Layout layout, CancellationToken cancellationToken)
    {
        var geometry = new ChunkGeometry(layout.ImageBytes, context.Options.ChunkBytes);
        var bytes = ArenaGeometry.DataOffset(geometry) + ArenaGeometry.DataBytes(layout.ImageBytes);
        var made = new List<Slot>();
        var admitted = Admit(layout, bytes);
        try
        {
            RequireRoom(admitted * bytes);
            while (made.Count < admitted)
            {
                int number;
                lock (_gate)
                {
                    number = Enumerable.Range(0, MaxSlotNumber).First(n => _slots.TrueForAll(slot => slot.Number != n));
                }

                cancellationToken.ThrowIfCancellationRequested();
                made.Add(MakeSlot(number, bytes, layout));
            }
        }
        catch
        {
            context.Budget.Return((admitted - made.Count) * bytes);
            lock (_gate)
            {
                // A refill's may be in use already; those of a registration cannot be: it is not done yet.
                made.FindAll(slot => slot.State == SlotState.Free).ForEach(Remove);
            }

            throw;
        }
    }

    /// <summary>
    /// Takes the memory of all missing slots, before anything of them is allocated: all or none. Only while images of
    /// another size must be kept, as many as fit will do, one at least. Returns for how many it took memory.
    /// </summary>
    private int Admit(Layout layout, long bytes)
    {
        int fitting;
        bool others;
        lock (_gate)
        {
            fitting = _slots.FindAll(slot => FitsLayout(slot, layout)).Count;
            if (fitting >= _wanted || _dropped)
            {
                return 0;
            }

            ReleaseMisfits(layout);
            others = fitting < _slots.Count;
        }

        // Without the lock: making room takes those of other pools.
        var missing = _wanted - fitting;
        if (HasRoom(missing * bytes) && context.Budget.TryTake(missing * bytes))
        {
            return missing;
        }

        context.MakeRoom(missing * bytes, this);
        if (AdmitFewer(fitting, missing, bytes, others) is { } fewer)
        {
            return fewer;
        }

        for (var count = missing; count > 0; count--)
        {
            if (context.Budget.TryTake(count * bytes))
            {
                return count;
            }

            if (!others)
            {
                break;
            }
        }

        return others && fitting > 0
            ? 0
            : throw new CheckpointerException(
                ErrorCode.MemoryBudgetExceeded,
                $"Rank {Rank} of run {Run} needs {missing} more slots of {bytes} bytes, but of the {context.Budget.LimitBytes} bytes that arenas may take {context.Budget.UsedBytes} are taken. Raise the agent's memory budget.");
    }

    /// <summary>
    /// As many of the missing slots as there is memory for, if with them the rank has the two that it needs; null otherwise. Up
    /// to two, what other ranks can spare and copies of other nodes' images make way.
    /// </summary>
    private int? AdmitFewer(int fitting, int missing, long bytes, bool others)
    {
        var needed = Math.Max(0, ArenaOptions.MinSlotsPerRank - fitting);
        for (var count = missing; count > 0 && count >= needed; count--)
        {
            if (count == needed)
            {
                context.MakeRoomForRank(count * bytes, this);
            }

            if ((count == needed || HasRoom(count * bytes)) && context.Budget.TryTake(count * bytes))
            {
                return Settle(fitting, count, missing, bytes, others);
            }
        }

        return needed == 0 && !others ? Settle(fitting, 0, missing, bytes, others) : null;
    }

    private int Settle(int fitting, int count, int missing, long bytes, bool others)
    {
        // While images of another size are kept there will be more room later: then the rest is made.
        if (count < missing && !others)
        {
            LogFewerSlots(context.Logger, Run, Rank, fitting + count, bytes, _wanted);
            _wanted = fitting + count;
        }

        return count;
    }

    private bool HasRoom(long bytes) => bytes <= new DriveInfo(context.Options.Root).AvailableFreeSpace;

    private Slot MakeSlot(int number, long bytes, Layout layout, bool replica = false)
    {
        Directory.CreateDirectory(folder.Path);
        var head = ArenaGeometry.DataOffset(new ChunkGeometry(layout.ImageBytes, context.Options.ChunkBytes));
        var file = ArenaFile.Create(folder.FileOf(Rank, number), bytes, head, context.Budget.Return);
        var slot = new Slot(Run, Rank, number, file, folder.Layouts.Hold(layout), context.Options.ChunkBytes);
        lock (_gate)
        {
            _slots.Add(slot);
            slot.Registration = (_registeredAttempt, _worldSize);
            slot.Replica = replica;
            slot.WriteHeader();
            if (_dropped)
            {
                Remove(slot);
            }
        }

        context.Prefaulter.Enqueue(file);
        return slot;
    }

    /// <summary>
    /// Says at once what reserving would find out later. Others may take the room meanwhile; then the first use of a slot
    /// is refused.
    /// </summary>
    private void RequireRoom(long bytes)
    {
        if (bytes > 0 && new DriveInfo(context.Options.Root).AvailableFreeSpace is var free && bytes > free)
        {
            throw new CheckpointerException(
                ErrorCode.MemoryBudgetExceeded,
                $"Rank {Rank} of run {Run} needs {bytes} bytes of shared memory, but '{context.Options.Root}' has {free} left. Make that file system larger, or the models' share of this node smaller.");
        }
    }

    /// <summary>
    /// Gives a slot that was opened for <paramref name="request"/> its memory before the trainer touches it. Usually it
    /// has it: reserving began when the layout was registered.
    /// </summary>
    private async Task<SlotLocation> GiveAsync(Slot slot, BeginSnapshotRequest request, CancellationToken cancellationToken)
    {
        var checkpoint = new CheckpointId(request.Step, request.Attempt);
        try
        {
            await ReserveAsync(slot.File, cancellationToken);
        }
        catch (CheckpointerException e)
        {
            RefuseOpen(slot, checkpoint, e);
            throw;
        }

        lock (_gate)
        {
            // Meanwhile the service may have given it up, or the trainer, tired of waiting, have begun another.
            RequireCurrent(request.Attempt);
            return IsOpenFor(slot, checkpoint)
                ? slot.Location
                : throw new CheckpointerException(
                    ErrorCode.SnapshotNotOpen, $"{Name(checkpoint)} was given up while its slot was prepared.");
        }
    }

    private void RefuseOpen(Slot slot, CheckpointId checkpoint, CheckpointerException fault)
    {
        SnapshotReport report;
        lock (_gate)
        {
            if (!IsOpenFor(slot, checkpoint))
            {
                return;
            }

            report = Abandon(slot, fault.Code, fault.Message) with { Outcome = SnapshotOutcome.Refused };
        }

        context.Reporter.Report(Run, report);
    }

    private static bool IsOpenFor(Slot slot, CheckpointId checkpoint) =>
        !slot.Dropped && slot.State == SlotState.Open && slot.Snapshot!.Checkpoint == checkpoint;

    private async Task ReserveAsync(ArenaFile file, CancellationToken cancellationToken)
    {
        // A use of its own: the slot may be given up meanwhile, and is nobody's any more if there is none to be had.
        if (file.IsReserved || !file.TryUse())
        {
            return;
        }

        try
        {
            _ = await context.Threads.RunAsync(() => file.Reserve(() => true, cancellationToken));
        }
        finally
        {
            file.Release();
        }
    }

    /// <summary>Makes missing slots in the background, as far as memory permits.</summary>
    private void Refill()
    {
        lock (_gate)
        {
            if (_layout is not null && !_dropped && !_refilling && _slots.FindAll(Fits).Count < _wanted)
            {
                _refilling = true;
                _refill = Task.Run(RefillAsync);
            }
        }
    }

    /// <summary>The making of slots that is under way, or was last.</summary>
    internal Task PendingRefill()
    {
        lock (_gate)
        {
            return _refill;
        }
    }

    private async Task RefillAsync()
    {
        await _making.WaitAsync();
        CheckpointerException? fault = null;
        try
        {
            if (Layout is { } layout)
            {
                MakeSlots(layout, CancellationToken.None);
            }
        }
        catch (Exception e) when (e is CheckpointerException or IOException or UnauthorizedAccessException)
        {
            fault = e as CheckpointerException
                ?? new CheckpointerException(ErrorCode.Internal, $"No arena could be made: {e.Message}", inner: e);
            LogRefillFailed(context.Logger, Run, Rank, e.Message);
        }
        finally
        {
            lock (_gate)
            {
                (_refilling, _refillFault) = (false, fault);
            }

            _making.Release();
            Signal();
        }
    }
}
