using System.Text;

namespace Checkpointer.Formats.Layouts;

/// <summary>
/// Lays tensors out as the hooks do: stored ones first, then by element size descending (so that every element is
/// aligned), then by name in the order of its UTF-8 bytes; no holes. Not thread-safe.
/// </summary>
public sealed class LayoutBuilder
{
    private readonly List<TensorEntry> _tensors = [];

    /// <summary>Adds a tensor; its place in the image is found by <see cref="Build"/>. Returns this builder.</summary>
    public LayoutBuilder Add(
        string name, DType type, IReadOnlyList<long> shape, Placement? placement = null, bool stored = true)
    {
        _tensors.Add(new TensorEntry
        {
            Name = name,
            DType = type,
            Shape = shape,
            Begin = 0,
            End = 0,
            Placement = placement,
            Stored = stored,
        });
        return this;
    }

    /// <summary>The layout; throws <see cref="Errors.FormatFaultException"/> if the tensors make none.</summary>
    public Layout Build()
    {
        long end = 0;
        var placed = new List<TensorEntry>(_tensors.Count);
        foreach (var tensor in _tensors
            .OrderByDescending(tensor => tensor.Stored)
            .ThenByDescending(tensor => tensor.DType.SizeBytes())
            .ThenBy(tensor => Encoding.UTF8.GetBytes(tensor.Name), Comparer<byte[]>.Create(ByBytes)))
        {
            // A size beyond the limit stays 0 bytes here, so that parsing the layout names the fault.
            var begin = end;
            end += Math.Max(0, LayoutValidator.SizeOrOverflow(tensor.Shape, tensor.DType));
            end = Math.Min(end, Layout.MaxTensorBytes);
            placed.Add(tensor with { Begin = begin, End = end });
        }

        return Layout.Parse(LayoutWriter.Write(placed));
    }

    private static int ByBytes(byte[] left, byte[] right) => left.AsSpan().SequenceCompareTo(right);
}
