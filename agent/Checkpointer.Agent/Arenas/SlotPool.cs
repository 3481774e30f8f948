using System.Diagnostics.CodeAnalysis;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Agent.Arenas;

/// <summary>
/// The slots of one rank and the snapshots in them. Thread-safe. Here is what it is made of and
/// what it knows; the other parts of the class take captures, make and drop slots, take in progress, and are called back by
/// sealing, draining and restores.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "A semaphore that nobody waits for by handle owns nothing.")]
internal sealed partial class SlotPool(PoolContext context, RunFolder folder, Rank rank)
{
    /// <summary>One above the largest number of a slot: twice the slots of a rank, for those of an older layout.</summary>
    public const int MaxSlotNumber = 2 * ArenaOptions.MaxSlotsPerRank;

    // Snapshots that are remembered after their slots have gone on.
    private const int MaxSnapshots = 64;

    private readonly Lock _gate = new();
    private readonly List<Slot> _slots = [];
    private readonly SortedDictionary<CheckpointId, Snapshot> _snapshots = [];
    private readonly SemaphoreSlim _making = new(1);
    private TaskCompletionSource _changed = NewSource();
    private Layout? _layout;
    private RunProgress? _progress;
    private Attempt _attempt;
    private Attempt _registeredAttempt;
    private int _worldSize;
    private int _wanted = context.Options.SlotsPerRank;
    private CheckpointId? _lastBegun;
    private bool _refilling;
    private Task _refill = Task.CompletedTask;
    private CheckpointerException? _refillFault;
    private long _touched;
    private bool _dropped;

    /// <summary>The run.</summary>
    public RunId Run => folder.Run;

    /// <summary>The rank.</summary>
    public Rank Rank { get; } = rank;

    /// <summary>The registered layout; null before any.</summary>
    public Layout? Layout
    {
        get
        {
            lock (_gate)
            {
                return _layout;
            }
        }
    }

    /// <summary>Sealed images that can be offered to others.</summary>
    public IReadOnlyList<Holding> Holdings
    {
        get
        {
            lock (_gate)
            {
                return
                [
                    .. _slots.Where(slot => slot.IsHolding).Select(slot => new Holding
                    {
                        Run = Run,
                        Rank = Rank,
                        Checkpoint = slot.Snapshot!.Checkpoint,
                        Image = slot.Seal!.Image,
                    }),
                ];
            }
        }
    }

    /// <summary>
    /// Where a snapshot stands, once <paramref name="until"/> or a final state is reached or <paramref name="wait"/> is
    /// over. <see cref="ErrorCode.NotFound"/> if the pool does not know it (any more).
    /// </summary>
    public async Task<SnapshotStatus> StatusAsync(
        CheckpointId checkpoint, SnapshotState until, TimeSpan wait, CancellationToken cancellationToken)
    {
        var begun = context.Time.GetTimestamp();
        while (true)
        {
            Task changed;
            SnapshotStatus status;
            lock (_gate)
            {
                if (!_snapshots.TryGetValue(checkpoint, out var snapshot))
                {
                    throw new CheckpointerException(ErrorCode.NotFound, $"{Name(checkpoint)} is not known to this agent.");
                }

                status = snapshot.Status;
                if (snapshot.HasReached(until))
                {
                    return status;
                }

                changed = snapshot.Changed;
            }

            var left = wait - context.Time.GetElapsedTime(begun);
            if (left <= TimeSpan.Zero)
            {
                return status;
            }

            try
            {
                await changed.WaitAsync(left, context.Time, cancellationToken);
            }
            catch (TimeoutException)
            {
                // The loop looks once more and then answers with what it finds.
            }
        }
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Snapshot Remember(Snapshot snapshot)
    {
        while (_snapshots.Count >= MaxSnapshots
            && _snapshots.Values.FirstOrDefault(old => _slots.TrueForAll(slot => slot.Snapshot != old)) is { } oldest)
        {
            _snapshots.Remove(oldest.Checkpoint);
        }

        _snapshots[snapshot.Checkpoint] = snapshot;
        return snapshot;
    }

    private void RequireCurrent(Attempt attempt)
    {
        if (_progress is { Fenced: true } progress && attempt <= progress.Attempt)
        {
            throw new CheckpointerException(
                ErrorCode.StaleAttempt,
                $"Rank {Rank} of run {Run}: attempt {attempt} was fenced out because the run was rolled back. This trainer must end.");
        }

        if (attempt < _attempt)
        {
            throw new CheckpointerException(
                ErrorCode.StaleAttempt,
                $"Rank {Rank} of run {Run} is at attempt {_attempt}; attempt {attempt} was fenced out. This trainer must end.");
        }

        _attempt = attempt;
    }

    private SnapshotReport ToReport(
        CheckpointId checkpoint, SnapshotOutcome outcome, bool durable, string? reason, SealedImage? image = null) => new()
        {
            Attempt = checkpoint.Attempt,
            Step = checkpoint.Step,
            Rank = Rank,
            Node = context.Options.Node,
            Outcome = outcome,
            Durable = durable,
            Image = image,
            Reason = reason is { Length: > 1024 } ? reason[..1024] : reason,
        };

    private string Name(CheckpointId checkpoint) => $"Snapshot {checkpoint} of rank {Rank} of run {Run}";

    private void Touch() => _touched = context.Time.GetTimestamp();
}
