using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Formats.Resharding;

/// <summary>
/// Whether the ranks' layouts make one whole model: every element of every global tensor is stored exactly once, by slices
/// that agree about it. A tensor that no rank names at all cannot be missed here: compare with the parent for that.
/// </summary>
public static class Coverage
{
    /// <summary>Most faults that are reported: enough to see what happened, however much is wrong.</summary>
    public const int MaxFaults = 1000;

    /// <summary>The faults, by tensor name; none if the layouts are coherent. Thread-safe.</summary>
    public static IReadOnlyList<CoverageFault> Check(IReadOnlyDictionary<Rank, Layout> layouts)
    {
        ArgumentNullException.ThrowIfNull(layouts);
        var byName = new SortedDictionary<string, List<SourceSlice>>(StringComparer.Ordinal);
        foreach (var (rank, layout) in layouts.OrderBy(pair => pair.Key))
        {
            foreach (var tensor in layout.Tensors)
            {
                if (!byName.TryGetValue(tensor.Name, out var slices))
                {
                    byName[tensor.Name] = slices = [];
                }

                slices.Add(new SourceSlice(rank, tensor));
            }
        }

        var faults = new List<CoverageFault>();
        foreach (var (name, slices) in byName)
        {
            if (slices.Exists(slice => slice.Tensor.Placement is not null))
            {
                CheckTensor(name, slices, faults);
            }

            if (faults.Count >= MaxFaults)
            {
                break;
            }
        }

        return [.. faults.Take(MaxFaults)];
    }

    private static void CheckTensor(string name, List<SourceSlice> slices, List<CoverageFault> faults)
    {
        Rank[] all = [.. slices.Select(slice => slice.Rank)];
        if (slices.Exists(slice => slice.Tensor.Placement is null))
        {
            faults.Add(new CoverageFault(CoverageFaultKind.PlacementMismatch, name, all));
            return;
        }

        var first = slices[0].Tensor;
        if (slices.Exists(slice => slice.Tensor.DType != first.DType))
        {
            faults.Add(new CoverageFault(CoverageFaultKind.DTypeMismatch, name, all));
            return;
        }

        if (slices.Exists(slice => !slice.Tensor.Placement!.GlobalShape.SequenceEqual(first.Placement!.GlobalShape)))
        {
            faults.Add(new CoverageFault(CoverageFaultKind.GlobalShapeMismatch, name, all));
            return;
        }

        CheckReplicas(name, slices, faults);
        var stored = slices.Where(slice => slice.Tensor.Stored && slice.Tensor.SizeBytes > 0).ToList();
        var doubled = OverlapSweep.Find(stored);
        if (doubled.Count > 0)
        {
            faults.Add(new CoverageFault(CoverageFaultKind.Doubled, name, doubled));
        }

        if (!IsWhole(first.Placement!.GlobalShape, stored, doubled.Count > 0))
        {
            faults.Add(new CoverageFault(CoverageFaultKind.Missing, name, all));
        }
    }

    /// <summary>Disjoint slices within a box cover it if and only if their volumes add up; others are subtracted one by one.</summary>
    private static bool IsWhole(IReadOnlyList<long> globalShape, List<SourceSlice> stored, bool overlapping)
    {
        var whole = Box.Of(new long[globalShape.Count], globalShape);
        if (whole.Volume == 0)
        {
            return true;
        }

        if (!overlapping)
        {
            return stored.Sum(slice => slice.Box.Volume) == whole.Volume;
        }

        var rest = new List<Box> { whole };
        foreach (var slice in stored)
        {
            for (var i = rest.Count - 1; i >= 0; i--)
            {
                var box = rest[i];
                if (box.Intersects(slice.Box))
                {
                    rest.RemoveAt(i);
                    box.Subtract(box.Intersection(slice.Box), rest);
                }
            }
        }

        return rest.Count == 0;
    }

    private static void CheckReplicas(string name, List<SourceSlice> slices, List<CoverageFault> faults)
    {
        var byRank = slices.ToDictionary(slice => slice.Rank);
        var wrong = new SortedSet<Rank>();

        // Every member compares itself with the group's first, and that one asks whether each member is there and names
        // it: together all hold the same slice and group, without comparing each with each.
        foreach (var slice in slices.Where(slice => slice.Tensor.Placement!.Replicas is not null))
        {
            var replicas = slice.Tensor.Placement!.Replicas!;
            if (!replicas.Contains(slice.Rank)
                || !byRank.TryGetValue(replicas[0], out var head)
                || head.Tensor.Placement!.Replicas is not { } headReplicas
                || !(ReferenceEquals(headReplicas, replicas) || headReplicas.SequenceEqual(replicas))
                || !head.Box.SameAs(slice.Box))
            {
                wrong.Add(slice.Rank);
            }
            else if (slice.Rank == replicas[0])
            {
                wrong.UnionWith(replicas.Where(rank => !byRank.TryGetValue(rank, out var member)
                    || member.Tensor.Placement!.Replicas is not { } named || named[0] != slice.Rank));
            }
        }

        if (wrong.Count > 0)
        {
            faults.Add(new CoverageFault(CoverageFaultKind.ReplicaMismatch, name, [.. wrong]));
        }
    }
}
