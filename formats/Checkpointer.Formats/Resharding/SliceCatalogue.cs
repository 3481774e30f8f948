using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Formats.Resharding;

/// <summary>The usable slices of each wanted tensor, best first.</summary>
internal sealed class SliceCatalogue
{
    private readonly Dictionary<string, List<SourceSlice>> _slices = new(StringComparer.Ordinal);

    public IReadOnlyList<SourceSlice> Of(string tensor) => _slices.TryGetValue(tensor, out var slices) ? slices : [];

    public static SliceCatalogue Create(
        Layout target, Rank targetRank, IReadOnlyDictionary<Rank, Layout> sources, bool storedOnly)
    {
        var catalogue = new SliceCatalogue();
        foreach (var tensor in target.Tensors)
        {
            catalogue._slices[tensor.Name] = [];
        }

        // The own rank first, then the others ascending: the same plan from the same layouts, whatever the map's order.
        foreach (var rank in sources.Keys.OrderBy(rank => rank != targetRank).ThenBy(rank => rank))
        {
            var own = rank == targetRank;
            foreach (var tensor in sources[rank].Tensors)
            {
                if ((tensor.Stored || (own && !storedOnly)) && (own || tensor.Placement is not null)
                    && catalogue._slices.TryGetValue(tensor.Name, out var slices))
                {
                    slices.Add(new SourceSlice(rank, tensor));
                }
            }
        }

        return catalogue;
    }
}
