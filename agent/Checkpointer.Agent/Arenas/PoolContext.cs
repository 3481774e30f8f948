using Checkpointer.Agent.Admission;
using Checkpointer.Agent.Draining;
using Checkpointer.Agent.Sealing;
using Checkpointer.Contracts.Agents;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Arenas;

/// <summary>What the pools of a node share.</summary>
internal sealed class PoolContext
{
    public required ArenaOptions Options { get; init; }

    public required MemoryBudget Budget { get; init; }

    public required Prefaulter Prefaulter { get; init; }

    public required EngineThreads Threads { get; init; }

    public required SealQueue Seals { get; init; }

    public required DrainQueue Drains { get; init; }

    public required ISnapshotReporter Reporter { get; init; }

    public required IRunProgressSource ProgressSource { get; init; }

    public required TimeProvider Time { get; init; }

    public required ILogger Logger { get; init; }

    /// <summary>Spreads news of a run to all its pools.</summary>
    public required Action<RunProgress> Observe { get; init; }

    /// <summary>Frees what other pools need not keep until that many bytes fit the budget, if that can be done; not for the pool that asks.</summary>
    public required Action<long, SlotPool> MakeRoom { get; init; }

    /// <summary>
    /// The same for a rank of this node that has not the slots it needs at least: spare slots of other ranks go, and copies of
    /// other nodes' images, whatever they are worth: ranks of this node come first.
    /// </summary>
    public required Action<long, SlotPool> MakeRoomForRank { get; init; }

    /// <summary>Says that a pool holds a new image. May be called under a pool's lock: must only take note.</summary>
    public required Action Held { get; init; }
}
