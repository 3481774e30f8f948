using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Replicas;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Agents;
using Checkpointer.Service.Runs;

namespace Checkpointer.Service.Recovery;

/// <summary>
/// What live agents hold in memory of each run, and so which steps the run could resume from with no object storage. Fed by
/// reports of snapshots and copies, by heartbeats and joins; in memory only, as the agents say all of it again within
/// seconds. A dead agent's memory counts as gone. Thread-safe; called with the host's lock held, so it calls nobody.
/// </summary>
internal sealed class MemoryTier(AgentRegistry agents)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<RunId, RunMemory> _runs = [];

    /// <summary>A live agent reported that it holds an image; the caller has checked it against the run.</summary>
    public void Hold(RunId run, string node, CheckpointId checkpoint, Rank rank, string root)
    {
        if (!agents.IsLive(node))
        {
            return;
        }

        lock (_gate)
        {
            Get(run).Add(node, checkpoint, rank, root);
        }
    }

    /// <summary>An agent listed what it holds: of every run, or of <paramref name="only"/> one.</summary>
    public void Hear(AgentPresence presence, RunId? only = null)
    {
        var isPart = presence.Holdings.Count >= RunLimits.MaxHoldings;
        var byRun = presence.Holdings.ToLookup(holding => holding.Run);
        lock (_gate)
        {
            var named = only is { } one ? [one] : byRun.Select(held => held.Key).Union(_runs.Keys).ToList();
            foreach (var run in named)
            {
                Get(run).Replace(presence.Node, byRun[run], isPart);
            }
        }
    }

    /// <summary>The run's progress as the agent of <paramref name="node"/> is to know it (null: somebody else); null before the first grant.</summary>
    public RunProgress? Progress(RunState state, string? node)
    {
        if (state.Progress is not { } progress)
        {
            return null;
        }

        lock (_gate)
        {
            var outlook = Look(state);
            return progress with
            {
                Protected = Protect(state, outlook),
                Peer = node is null ? null : outlook.Peers.GetValueOrDefault(node),
            };
        }
    }

    /// <summary>Whereto the agent of <paramref name="node"/> copies its ranks' images; null: nowhere.</summary>
    public ReplicaPeer? PeerOf(RunState state, string node)
    {
        lock (_gate)
        {
            return Look(state).Peers.GetValueOrDefault(node);
        }
    }

    /// <summary>The run at a glance, with what is in memory.</summary>
    public RunSummary Summarise(RunState state)
    {
        lock (_gate)
        {
            var outlook = Look(state);
            return state.Summarise() with
            {
                RecoverableFromMemory = outlook.Newest(step => outlook.IsComplete(step)),
                Protected = Protect(state, outlook),
            };
        }
    }

    /// <summary>All of it, for operators.</summary>
    public MemorySteps Describe(RunState state)
    {
        lock (_gate)
        {
            var outlook = Look(state);
            return new MemorySteps
            {
                Run = state.Run,
                Attempt = state.CurrentAttempt,
                RecoverableFromMemory = outlook.Newest(step => outlook.IsComplete(step)),
                Protected = Protect(state, outlook),
                Steps = [.. outlook.Checkpoints.Select(outlook.Describe)],
            };
        }
    }

    private RunMemory Get(RunId run)
    {
        if (!_runs.TryGetValue(run, out var memory))
        {
            _runs.Add(run, memory = new RunMemory());
        }

        return memory;
    }

    private MemoryOutlook Look(RunState state)
    {
        var nodes = state.Attempts.Current?.Nodes.ToHashSet(StringComparer.Ordinal) ?? [];
        var (members, spares) = agents.Seats(nodes);
        var memory = Get(state.Run);
        var live = members.Concat(spares).Where(seat => seat.IsAlive).Select(seat => seat.Node).ToHashSet(StringComparer.Ordinal);
        memory.Keep(live.Contains);
        return new MemoryOutlook(
            state, memory, ReplicaPlacement.Place(members, spares), isWhole: members.Count == nodes.Count);
    }

    // Agents let go of what is older than this, so that it must never go back; and while agents of the attempt have not been
    // heard of yet, as after a restart of the service, nothing new is said.
    private static CheckpointId? Protect(RunState state, MemoryOutlook outlook)
    {
        if (state.Attempts.Current is not { } current)
        {
            return null;
        }

        var plan = state.CurrentPlan?.Number ?? 0;
        var told = outlook.Memory.Told is { } known && known.Attempt == current.Attempt && known.Plan == plan
            ? known.Checkpoint
            : (CheckpointId?)null;
        if (outlook.IsWhole && outlook.NewestProtected() is { } found && !(found <= told))
        {
            outlook.Memory.Told = (current.Attempt, plan, found);
            return found;
        }

        return told;
    }
}
