using Checkpointer.Contracts.Agents;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Arenas;

/// <content>What the service says, and what follows from it.</content>
internal sealed partial class SlotPool
{
    /// <summary>The newest that is known of the run; null if nothing.</summary>
    public RunProgress? Progress
    {
        get
        {
            lock (_gate)
            {
                return _progress;
            }
        }
    }

    /// <summary>Takes in news of the run; see <see cref="NodeArenas.Observe"/>.</summary>
    public void Observe(RunProgress progress)
    {
        var ends = new List<CancellationTokenSource>();
        lock (_gate)
        {
            if (_progress is { } known && IsOutdated(progress, known))
            {
                return;
            }

            _progress = Merge(_progress, progress);
            _attempt = _attempt < progress.Attempt ? progress.Attempt : _attempt;
            foreach (var slot in _slots.Where(slot => slot.Snapshot is not null).ToArray())
            {
                Judge(slot, progress, ends);
            }

            RemoveRetired();
        }

        // Outside the lock: whoever waits for these goes on at once, and may call back.
        ends.ForEach(end => end.Cancel());
        Refill();
        Signal();
    }

    /// <summary>The attempt under which that snapshot's shard is to be reported.</summary>
    public Attempt WriterOf(CheckpointId checkpoint)
    {
        lock (_gate)
        {
            return _progress is { } progress && progress.ResumedFrom == checkpoint ? progress.Attempt : checkpoint.Attempt;
        }
    }

    /// <summary>
    /// Gives everything back if the rank does not need it: nothing is open, read, being hashed or still to be drained,
    /// and each image may go by the release rule or is committed to storage; and either the rank has not come up here in
    /// the run's present attempt (it is on another node, or the world shrank), or it has been quiet for long. Returns
    /// whether it did.
    /// </summary>
    public bool TryEvict()
    {
        lock (_gate)
        {
            var replaced = _progress is { } progress && _registeredAttempt < progress.Attempt;
            var idle = context.Time.GetElapsedTime(_touched) >= context.Options.IdleAfter;
            if (_slots.Count == 0 || _refilling || (!replaced && !idle) || !_slots.TrueForAll(IsExpendable))
            {
                return false;
            }

            LogEvicted(context.Logger, Run, Rank, replaced ? "it has moved away" : "it is idle");
            _slots.ToList().ForEach(Remove);
            return true;
        }
    }

    /// <summary>When a trainer last asked for something, as a timestamp of the time provider.</summary>
    public long Touched
    {
        get
        {
            lock (_gate)
            {
                return _touched;
            }
        }
    }

    /// <summary>News of the same attempt or a newer one, with what it leaves unsaid: a grant, say, names no sealed step.</summary>
    internal static RunProgress Merge(RunProgress? known, RunProgress news) => known is null || known.Attempt < news.Attempt
        ? news
        : known.Plan < news.Plan && known.Plan > 0
        ? news with { Fenced = news.Fenced || known.Fenced, Peer = news.Peer ?? known.Peer }
        : news with
        {
            GloballySealed = Later(known.GloballySealed, news.GloballySealed),
            Committed = Later(known.Committed, news.Committed),
            Plan = Math.Max(known.Plan, news.Plan),
            Fenced = news.Fenced || known.Fenced,
            ResumedFrom = news.ResumedFrom ?? known.ResumedFrom,
            Protected = Later(known.Protected, news.Protected),
        };

    // Of an attempt that got another plan, what was said of the one before no longer holds.
    internal static bool IsOutdated(RunProgress news, RunProgress known) => news.Attempt < known.Attempt
        || (news.Attempt == known.Attempt && news.Plan > 0 && news.Plan < known.Plan);

    private static CheckpointId? Later(CheckpointId? left, CheckpointId? right) =>
        left is { } a && (right is not { } b || a > b) ? left : right;

    private bool IsExpendable(Slot slot) => CanGo(slot)
        || (slot.Leases == 0
            && slot.State == SlotState.Sealed
            && slot.Drain != DrainState.Pending
            && _progress?.Committed is { } committed
            && committed.Step >= slot.Snapshot!.Checkpoint.Step);

    private void Judge(Slot slot, RunProgress progress, List<CancellationTokenSource> ends)
    {
        var snapshot = slot.Snapshot!;
        if (progress.Fenced && slot.State == SlotState.Open)
        {
            // Half written, and its trainer is told to end. What is sealed may be what the run is to go back to.
            slot.GivenUp = true;
            _ = Abandon(slot, ErrorCode.StaleAttempt, $"{Name(snapshot.Checkpoint)}: the run was rolled back.");
            return;
        }

        var stale = ReleaseRule.IsStale(snapshot.Checkpoint, progress);
        if (!stale && !progress.IsGivenUp(snapshot.Checkpoint))
        {
            // Another plan may come back to what the grant gave up.
            slot.GivenUp &= progress.ResumedFrom != snapshot.Checkpoint;
            return;
        }

        slot.GivenUp = true;
        var (error, why) = stale
            ? (ErrorCode.StaleAttempt, $"attempt {snapshot.Checkpoint.Attempt} was fenced out by attempt {progress.Attempt}")
            : (ErrorCode.CheckpointConflict, "the service gave it up: it can no longer become a checkpoint of all ranks");
        if (slot.State == SlotState.Open)
        {
            // No report: the service is where this comes from.
            _ = Abandon(slot, error, $"{Name(snapshot.Checkpoint)}: {why}.");
        }
        else if (slot.Drain == DrainState.Pending && slot.State is SlotState.Captured or SlotState.Sealed)
        {
            GiveUpDrain(slot, error, $"{Name(snapshot.Checkpoint)} is not stored: {why}.");
            if (slot.DrainEnd is { } end)
            {
                ends.Add(end);
            }
        }
    }

    private static void GiveUpDrain(Slot slot, ErrorCode error, string why)
    {
        if (slot.Drain == DrainState.Pending)
        {
            slot.Drain = DrainState.GivenUp;
            slot.WriteHeader();
            slot.Snapshot!.Fail(error, why);
        }
    }
}
