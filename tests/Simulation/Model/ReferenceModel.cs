using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Simulation.Processes;
using Checkpointer.Simulation.Scheduling;
using Checkpointer.Simulation.Trainers;

namespace Checkpointer.Simulation.Model;

/// <summary>
/// What the world's outside knows to be true (what was trained, saved and acknowledged), and what has to hold of everything
/// inside at every moment: the invariants of the design, by their names.
/// </summary>
internal sealed class ReferenceModel
{
    private readonly World _world;
    private readonly StoreAuditor _store;
    private readonly RunAuditor _run;
    private readonly HoldingAuditor _holdings;
    private readonly AcknowledgedFacts _acknowledged;
    private readonly SortedDictionary<CheckpointId, ulong> _saved = [];
    private readonly SortedDictionary<Attempt, CheckpointId?> _resumed = [];
    private readonly HashSet<(Attempt, Rank)> _restored = [];

    public ReferenceModel(World world)
    {
        _world = world;
        _run = new RunAuditor(world);
        _store = new StoreAuditor(world, this, _run);
        _holdings = new HoldingAuditor(world);
        _acknowledged = new AcknowledgedFacts(world);
    }

    /// <summary>Checkpoints whose manifest is in the store.</summary>
    public IReadOnlyList<CheckpointId> Committed => _store.Visible;

    /// <summary>How many checks were made.</summary>
    public long Checks { get; private set; }

    /// <summary>The state of the run that was saved under a name; null if nobody saved it.</summary>
    public ulong? StateOf(CheckpointId checkpoint) => _saved.TryGetValue(checkpoint, out var state) ? state : null;

    /// <summary>After every event: everything that must always hold.</summary>
    public void Check()
    {
        var state = _world.Service?.State(World.Run);
        if (state is null)
        {
            return;
        }

        Checks++;
        _run.Check(state);
        _acknowledged.Check(state);
        _holdings.Check(state);
    }

    /// <summary>At the end: every visible checkpoint once more, from the bytes that are in the store now.</summary>
    public void CheckAll()
    {
        _store.CheckAll();
        _world.Count("checks", Checks);
        _world.Count("checks of checkpoints", _store.Checked);
        _world.Count("checks of holdings", _holdings.Checks);
        _world.Count("checks of acknowledged facts", _acknowledged.Checks);
        _run.CountSeen();
    }

    /// <summary>What has to come true once all faults are over.</summary>
    public Recovery Recovery() => new(_world, Committed);

    /// <summary>A rank was granted an attempt.</summary>
    public void Granted(TrainerRank rank, Attempt attempt, CheckpointId? resumeFrom)
    {
        _world.Count("grants");
        _acknowledged.Granted(rank.Incarnation, attempt);
        _ = resumeFrom;
    }

    /// <summary>A rank begins to save what it has trained.</summary>
    public void Saving(TrainerRank rank, CheckpointId checkpoint, ulong state)
    {
        if (_saved.TryGetValue(checkpoint, out var known) && known != state)
        {
            throw new SimulationException("lineage", $"{rank.Process.Name} has trained {checkpoint} from another state than the others.");
        }

        _saved[checkpoint] = state;
    }

    /// <summary>A rank has restored; null bytes if the slot had too few. Gives the state to go on from.</summary>
    public ulong Restored(TrainerRank rank, RestoreResponse answer, byte[]? image)
    {
        var attempt = rank.Attempt!.Value;
        var tier = answer.Checkpoint is null ? "scratch"
            : answer.StorageBytes > 0 ? "storage"
            : answer.PeerMemoryBytes > 0 ? "peer memory" : "local memory";
        _world.Count($"seen restore from {tier}");
        if (answer.Plan > 1)
        {
            _world.Count("seen restore by another plan");
        }

        if (_resumed.TryGetValue(attempt, out var others) && others != answer.Checkpoint)
        {
            throw new SimulationException(
                "one-step", $"{rank.Process.Name} restored {answer.Checkpoint?.ToString() ?? "nothing"} for attempt {attempt}, others {others?.ToString() ?? "nothing"}.");
        }

        _resumed[attempt] = answer.Checkpoint;
        _ = _restored.Add((attempt, rank.Rank));
        if (answer.Checkpoint is not { } restored)
        {
            return _world.Training.Initial;
        }

        if (StateOf(restored) is not { } state)
        {
            throw new SimulationException("restore", $"{rank.Process.Name} was given {restored}, which nobody ever saved.");
        }

        var layout = _world.Training.LayoutOf(rank.Rank);
        return image is not null && image.AsSpan().SequenceEqual(_world.Training.ImageOf(layout, rank.Rank, state))
            ? state
            : throw new SimulationException("restore", $"{rank.Process.Name} was given other bytes of {restored} than were saved.");
    }

    /// <summary>An operator was told that the run goes back.</summary>
    public void RolledBack(Rollback rollback) => _acknowledged.RolledBack(rollback);

    /// <summary>A bit of a sealed image was flipped.</summary>
    public void MemoryDamaged(SimulatedNode node, Rank rank, CheckpointId checkpoint) => _holdings.Exempt(node.Name, rank, checkpoint);

    /// <summary>A rank has ended by itself: only for a reason that is its own.</summary>
    public void RankEnded(TrainerRank rank, CheckpointerException why)
    {
        var named = why.Code is ErrorCode.StaleAttempt or ErrorCode.IncarnationSuperseded
            || (why.Code == ErrorCode.RestoreImpossible && _world.Faults.Damaged);
        if (!named)
        {
            _world.Fail(new SimulationException("run-ended", $"{rank.Process.Name} ended with {why.Code}: {why.Message}"));
        }
    }
}
