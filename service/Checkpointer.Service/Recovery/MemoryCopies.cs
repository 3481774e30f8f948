using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Events;
using Checkpointer.Service.Runs.Joining;

namespace Checkpointer.Service.Recovery;

/// <summary>The images of one snapshot that live agents hold, by rank: only those that are what was sealed.</summary>
internal sealed class MemoryCopies
{
    private readonly SortedDictionary<int, List<(AgentHoldings Agent, HeldImage Image)>> _byRank = [];

    private MemoryCopies(CheckpointId checkpoint, int worldSize) => (Checkpoint, WorldSize) = (checkpoint, worldSize);

    /// <summary>The snapshot.</summary>
    public CheckpointId Checkpoint { get; }

    /// <summary>Number of ranks of the world that took it.</summary>
    public int WorldSize { get; }

    /// <summary>How many of its ranks have a live copy.</summary>
    public int Ranks => _byRank.Count;

    /// <summary>Whether every byte has a live copy.</summary>
    public bool IsComplete => Ranks == WorldSize;

    /// <summary>The live copies of one rank's image, by node; they are equal.</summary>
    public IReadOnlyList<(AgentHoldings Agent, HeldImage Image)> Of(int rank) => _byRank.GetValueOrDefault(rank) ?? [];

    /// <summary>Ranks without a live copy, the first <see cref="RunLimits.MaxNamedRanks"/>.</summary>
    public List<Rank> MissingRanks() =>
    [
        .. Enumerable.Range(0, WorldSize).Where(rank => !_byRank.ContainsKey(rank))
            .Take(RunLimits.MaxNamedRanks).Select(rank => new Rank(rank)),
    ];

    /// <summary>
    /// What <paramref name="agents"/> hold of snapshots that <paramref name="isWanted"/>. A copy that differs from what was
    /// reported sealed or stored is left out; if nothing was reported, copies that differ among themselves all are, since no one
    /// knows which is right.
    /// </summary>
    public static (SortedDictionary<CheckpointId, MemoryCopies> Copies, IReadOnlyList<CorruptCopy> Corrupt) Collect(
        RunState state, IEnumerable<AgentHoldings> agents, Predicate<CheckpointId> isWanted)
    {
        var found = new SortedDictionary<CheckpointId, MemoryCopies>();
        foreach (var agent in agents)
        {
            foreach (var image in agent.Images)
            {
                if (state.Attempts.Find(image.Checkpoint.Attempt) is not { } attempt
                    || image.Rank.Value >= attempt.WorldSize || !isWanted(image.Checkpoint))
                {
                    continue;
                }

                if (!found.TryGetValue(image.Checkpoint, out var copies))
                {
                    copies = new MemoryCopies(image.Checkpoint, attempt.WorldSize);
                    found.Add(image.Checkpoint, copies);
                }

                if (!copies._byRank.TryGetValue(image.Rank.Value, out var ofRank))
                {
                    ofRank = [];
                    copies._byRank.Add(image.Rank.Value, ofRank);
                }

                ofRank.Add((agent, image));
            }
        }

        return (found, [.. found.Values.SelectMany(copies => copies.Weed(state))]);
    }

    private List<CorruptCopy> Weed(RunState state)
    {
        var corrupt = new List<CorruptCopy>();
        foreach (var (rank, copies) in _byRank.ToList())
        {
            var sealedImage = state.FindImage(Checkpoint, rank);
            if (sealedImage is null && copies.TrueForAll(copy => Same(copy.Image, copies[0].Image)))
            {
                continue;
            }

            var bad = copies.Where(copy => sealedImage is null || !Same(copy.Image, sealedImage)).ToList();
            corrupt.AddRange(bad.Select(copy => new CorruptCopy(copy.Agent.Node, copy.Image)));
            copies.RemoveAll(bad.Contains);
            if (copies.Count == 0)
            {
                _byRank.Remove(rank);
            }
        }

        return corrupt;
    }

    private static bool Same(HeldImage held, HeldImage other) =>
        held.Root == other.Root && held.ImageBytes == other.ImageBytes && held.Layout == other.Layout;

    private static bool Same(HeldImage held, ImageFacts facts) => facts.SameBytes(held.Layout, held.ImageBytes, held.Root);
}
