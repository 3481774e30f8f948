using Checkpointer.Contracts.Replicas;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;

namespace Checkpointer.Service.Recovery;

/// <summary>What a run's live agents hold at one moment, against what the run has sealed.</summary>
internal sealed class MemoryOutlook(
    RunState state, RunMemory memory, IReadOnlyDictionary<string, ReplicaPeer> peers, bool isWhole)
{
    /// <summary>What they said.</summary>
    public RunMemory Memory => memory;

    /// <summary>Whereto each node copies.</summary>
    public IReadOnlyDictionary<string, ReplicaPeer> Peers => peers;

    /// <summary>Whether every agent of the attempt was heard of.</summary>
    public bool IsWhole => isWhole;

    /// <summary>The steps of the current lineage of which anything is held, oldest first.</summary>
    public IEnumerable<CheckpointId> Checkpoints => memory.Checkpoints
        .Where(checkpoint => state.Attempts.Path.Contains(checkpoint) && WorldSizeOf(checkpoint) > 0);

    /// <summary>The newest that is not given up and <paramref name="isSo"/>; null if none.</summary>
    public CheckpointId? Newest(Predicate<CheckpointId> isSo)
    {
        foreach (var checkpoint in Checkpoints.Reverse())
        {
            if (!state.Snapshots.IsGivenUp(checkpoint) && isSo(checkpoint))
            {
                return checkpoint;
            }
        }

        return null;
    }

    /// <summary>Whether every rank's image has a live holder.</summary>
    public bool IsComplete(CheckpointId checkpoint) =>
        Enumerable.Range(0, WorldSizeOf(checkpoint)).All(rank => Holders(checkpoint, rank).Any());

    /// <summary>
    /// Whether every rank's image has two live holders, or one if its node has no peer: then the loss of one node that
    /// could have been guarded against loses nothing.
    /// </summary>
    public bool IsProtected(CheckpointId checkpoint)
    {
        var worldSize = WorldSizeOf(checkpoint);
        var nodes = state.Attempts.Current!.Nodes;
        return Enumerable.Range(0, worldSize).All(rank => Holders(checkpoint, rank).Take(2).Count() switch
        {
            0 => false,
            1 => nodes.Length == worldSize ? !peers.ContainsKey(nodes[rank]) : peers.Count == 0,
            _ => true,
        });
    }

    /// <summary>The newest globally sealed step that is protected; the newest globally sealed one if nobody has a peer.</summary>
    public CheckpointId? NewestProtected()
    {
        if (state.Snapshots.GloballySealed is not { } newest)
        {
            return null;
        }

        var current = state.Attempts.Current!;
        return peers.Count == 0
            ? newest
            : Newest(step => step.Step <= newest.Step
                && (step.Attempt == current.Attempt || step == current.ResumedFrom) && IsProtected(step));
    }

    /// <summary>One step for operators.</summary>
    public MemoryStep Describe(CheckpointId checkpoint)
    {
        List<IReadOnlyList<string>> holders =
            [.. Enumerable.Range(0, WorldSizeOf(checkpoint)).Select(rank => Holders(checkpoint, rank).ToList())];
        var held = holders.Count(nodes => nodes.Count > 0);
        return new MemoryStep
        {
            Checkpoint = checkpoint,
            WorldSize = holders.Count,
            HeldRanks = held,
            Complete = held == holders.Count,
            Protected = IsProtected(checkpoint),
            Holders = holders,
        };
    }

    // Only copies of what was sealed count, as far as that is known.
    private IEnumerable<string> Holders(CheckpointId checkpoint, int rank)
    {
        var sealedRoot = state.FindImage(checkpoint, rank)?.Root;
        return memory.Holders(checkpoint, rank)
            .Where(holder => sealedRoot is null || holder.Root == sealedRoot)
            .Select(holder => holder.Node);
    }

    private int WorldSizeOf(CheckpointId checkpoint) => state.Attempts.Find(checkpoint.Attempt)?.WorldSize ?? 0;
}
