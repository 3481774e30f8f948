using Checkpointer.Contracts.Agents;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Recovery;

/// <summary>Which node said that it holds which image of one run. Guarded by the tier's lock.</summary>
internal sealed class RunMemory
{
    private readonly SortedDictionary<CheckpointId, SortedDictionary<int, SortedDictionary<string, Copy>>> _steps = [];

    // How often each node has listed what it holds.
    private readonly Dictionary<string, long> _listings = new(StringComparer.Ordinal);

    /// <summary>What agents were last told is protected, and by which plan of which attempt; null if nothing yet.</summary>
    public (Attempt Attempt, int Plan, CheckpointId Checkpoint)? Told { get; set; }

    /// <summary>Checkpoints of which anything is held, by step, then attempt.</summary>
    public IEnumerable<CheckpointId> Checkpoints => _steps.Keys;

    /// <summary>The nodes that said they hold that image, in order, each with the root that they gave.</summary>
    public IEnumerable<(string Node, string Root)> Holders(CheckpointId checkpoint, int rank) =>
        _steps.TryGetValue(checkpoint, out var ranks) && ranks.TryGetValue(rank, out var copies)
            ? copies.Select(copy => (copy.Key, copy.Value.Root))
            : [];

    /// <summary>
    /// A node reported one image. The listing that may have been on its way meanwhile does not know of it, so that only the
    /// one after may deny it.
    /// </summary>
    public void Add(string node, CheckpointId checkpoint, Rank rank, string root) =>
        Put(node, checkpoint, rank, new Copy(root, _listings.GetValueOrDefault(node) + 1));

    /// <summary>A node listed what it holds of the run: all of it unless <paramref name="isPart"/>.</summary>
    public void Replace(string node, IEnumerable<Holding> holdings, bool isPart)
    {
        var listing = _listings[node] = _listings.GetValueOrDefault(node) + 1;
        foreach (var holding in holdings)
        {
            Put(node, holding.Checkpoint, holding.Rank, new Copy(holding.Image.Root, listing));
        }

        if (!isPart)
        {
            Remove((holder, copy) => holder == node && copy.Listing < listing);
        }
    }

    /// <summary>Lets go of what nodes hold that are not <paramref name="alive"/>: they say it again if they come back.</summary>
    public void Keep(Predicate<string> alive)
    {
        Remove((holder, _) => !alive(holder));
        foreach (var gone in _listings.Keys.Where(node => !alive(node)).ToList())
        {
            _ = _listings.Remove(gone);
        }
    }

    private void Put(string node, CheckpointId checkpoint, Rank rank, Copy copy)
    {
        if (!_steps.TryGetValue(checkpoint, out var ranks))
        {
            _steps.Add(checkpoint, ranks = []);
        }

        if (!ranks.TryGetValue(rank.Value, out var copies))
        {
            ranks.Add(rank.Value, copies = new SortedDictionary<string, Copy>(StringComparer.Ordinal));
        }

        copies[node] = copy;
    }

    private void Remove(Func<string, Copy, bool> isGone)
    {
        foreach (var (checkpoint, ranks) in _steps.ToList())
        {
            foreach (var (rank, copies) in ranks.ToList())
            {
                foreach (var gone in copies.Where(copy => isGone(copy.Key, copy.Value)).Select(copy => copy.Key).ToList())
                {
                    _ = copies.Remove(gone);
                }

                if (copies.Count == 0)
                {
                    _ = ranks.Remove(rank);
                }
            }

            if (ranks.Count == 0)
            {
                _ = _steps.Remove(checkpoint);
            }
        }
    }

    private sealed record Copy(string Root, long Listing);
}
