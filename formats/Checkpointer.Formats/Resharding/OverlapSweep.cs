using Checkpointer.Formats.Identity;

namespace Checkpointer.Formats.Resharding;

/// <summary>Finds slices that share elements without comparing each with each.</summary>
internal static class OverlapSweep
{
    /// <summary>
    /// The ranks whose slices overlap another's, ascending. Sweeps along the dimension in which the slices begin at the
    /// most places, so a tensor cut a thousand ways along one dimension costs a sort.
    /// </summary>
    public static IReadOnlyList<Rank> Find(List<SourceSlice> slices)
    {
        if (slices.Count < 2)
        {
            return [];
        }

        var found = new SortedSet<Rank>();
        if (slices[0].Box.Dimensions == 0)
        {
            found.UnionWith(slices.Select(slice => slice.Rank));
            return [.. found];
        }

        var axis = Enumerable.Range(0, slices[0].Box.Dimensions)
            .MaxBy(i => slices.Select(slice => slice.Box.Begin[i]).Distinct().Count());
        var active = new List<SourceSlice>();
        foreach (var slice in slices.OrderBy(slice => slice.Box.Begin[axis]))
        {
            active.RemoveAll(other => other.Box.End[axis] <= slice.Box.Begin[axis]);
            foreach (var other in active.Where(other => other.Box.Intersects(slice.Box)))
            {
                found.Add(other.Rank);
                found.Add(slice.Rank);
            }

            active.Add(slice);
        }

        return [.. found];
    }
}
