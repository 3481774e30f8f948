using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Agent.Arenas;

/// <content>How slots come and go.</content>
internal sealed partial class SlotPool
{
    /// <summary>
    /// Makes <paramref name="layout"/> the one that snapshots have. Slots of the right size are kept; others go as soon
    /// as the release rule lets them; new ones are admitted here, reserved and pre-faulted in the background, or when they
    /// are first used if that is earlier. Errors: <see cref="ErrorCode.StaleAttempt"/>,
    /// <see cref="ErrorCode.WorldMismatch"/>, <see cref="ErrorCode.MemoryBudgetExceeded"/> (the old layout stays then).
    /// While images of an older size must be kept, fewer slots than configured will do: one at least.
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
            if (fitting >= context.Options.SlotsPerRank || _dropped)
            {
                return 0;
            }

            ReleaseMisfits(layout);
            others = fitting < _slots.Count;
        }

        // Without the lock: making room takes those of other pools.
        var missing = context.Options.SlotsPerRank - fitting;
        if (context.Budget.TryTake(missing * bytes))
        {
            return missing;
        }

        context.MakeRoom(missing * bytes, this);
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

    private Slot MakeSlot(int number, long bytes, Layout layout)
    {
        Directory.CreateDirectory(folder.Path);
        var head = ArenaGeometry.DataOffset(new ChunkGeometry(layout.ImageBytes, context.Options.ChunkBytes));
        var file = ArenaFile.Create(folder.FileOf(Rank, number), bytes, head, context.Budget.Return);
        var slot = new Slot(Run, Rank, number, file, folder.Layouts.Hold(layout), context.Options.ChunkBytes);
        lock (_gate)
        {
            _slots.Add(slot);
            slot.Registration = (_registeredAttempt, _worldSize);
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

    private static Task ReserveAsync(ArenaFile file, CancellationToken cancellationToken) => file.IsReserved
        ? Task.CompletedTask
        : Task.Factory.StartNew(
            () => file.Reserve(cancellationToken),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);

    private void RequireCuttable(Layout layout)
    {
        if (!ChunkGeometry.IsValid(layout.ImageBytes, context.Options.ChunkBytes))
        {
            throw new CheckpointerException(
                ErrorCode.LimitExceeded,
                $"An image of {layout.ImageBytes} bytes is more than {ChunkGeometry.MaxChunks} chunks of {context.Options.ChunkBytes} bytes.");
        }
    }

    /// <summary>Makes missing slots in the background, as far as memory permits.</summary>
    private void Refill()
    {
        lock (_gate)
        {
            if (_layout is null || _dropped || _refilling > 0
                || _slots.FindAll(Fits).Count >= context.Options.SlotsPerRank)
            {
                return;
            }

            _refilling++;
        }

        _ = Task.Run(RefillAsync);
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
                _refilling--;
                _refillFault = fault;
            }

            _making.Release();
            Signal();
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
        SlotState.Sealed => ReleaseRule.Permits(slot.Snapshot!.Checkpoint, _progress, slot.GivenUp),
        _ => false,
    };

    /// <summary>A free slot of the registered layout's size; one is made free if the rule permits it; null if none can be.</summary>
    private Slot? TakeFree()
    {
        // Who maps a file that was shortened dies by SIGBUS at the first touch.
        _slots.FindAll(s => !s.File.IsWhole && CanGo(s)).ForEach(Remove);
        Refill();
        var slot = _slots.Find(s => Fits(s) && s.State == SlotState.Free && s.Leases == 0)
            ?? _slots.Where(s => Fits(s) && CanGo(s))
                .OrderBy(s => s.State == SlotState.Sealed)
                .ThenBy(s => s.Snapshot!.Checkpoint)
                .FirstOrDefault();
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
