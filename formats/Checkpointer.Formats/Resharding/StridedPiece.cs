using Checkpointer.Formats.Identity;

namespace Checkpointer.Formats.Resharding;

/// <summary>
/// A block that goes from one image to another, held as a few numbers however many rows it has: runs of
/// <see cref="RunBytes"/> bytes, repeated over the outer dimensions with their own stride on each side.
/// </summary>
internal sealed class StridedPiece
{
    private readonly Rank _source;
    private readonly long _sourceOffset;
    private readonly long[] _counts;
    private readonly long[] _sourceStrides;
    private readonly long[] _targetStrides;

    private StridedPiece(
        Rank source, long sourceOffset, long targetOffset, long runBytes, long[] counts, long[] sourceStrides, long[] targetStrides)
    {
        _source = source;
        _sourceOffset = sourceOffset;
        TargetOffset = targetOffset;
        RunBytes = runBytes;
        _counts = counts;
        _sourceStrides = sourceStrides;
        _targetStrides = targetStrides;
    }

    /// <summary>First byte in the target's image.</summary>
    public long TargetOffset { get; }

    /// <summary>Length of one contiguous run in bytes.</summary>
    public long RunBytes { get; }

    /// <summary>Number of runs.</summary>
    public long Runs => _counts.Aggregate(1L, (product, count) => product * count);

    /// <summary>
    /// The piece that moves <paramref name="block"/> (global coordinates, not empty) between row-major tensors that hold
    /// the boxes <paramref name="from"/> and <paramref name="to"/>.
    /// </summary>
    public static StridedPiece Create(
        Box block, Rank source, Box from, long fromBegin, Box to, long toBegin, int elementBytes)
    {
        var dimensions = block.Dimensions;
        var (fromStrides, toStrides) = (Strides(from, elementBytes), Strides(to, elementBytes));
        for (var i = 0; i < dimensions; i++)
        {
            fromBegin += (block.Begin[i] - from.Begin[i]) * fromStrides[i];
            toBegin += (block.Begin[i] - to.Begin[i]) * toStrides[i];
        }

        // Fold dimensions into the run, innermost first, while the block is as wide as both tensors in all inner ones.
        long runBytes = elementBytes;
        var outer = dimensions;
        while (outer > 0 && fromStrides[outer - 1] == runBytes && toStrides[outer - 1] == runBytes)
        {
            outer--;
            runBytes *= block.End[outer] - block.Begin[outer];
        }

        var counts = new long[outer];
        for (var i = 0; i < outer; i++)
        {
            counts[i] = block.End[i] - block.Begin[i];
        }

        return new StridedPiece(
            source, fromBegin, toBegin, runBytes, counts, fromStrides[..outer], toStrides[..outer]);
    }

    /// <summary>The runs, in the order of the target. Allocates nothing per run.</summary>
    public IEnumerable<ByteCopy> Copies()
    {
        var (sourceOffset, targetOffset) = (_sourceOffset, TargetOffset);
        var position = new long[_counts.Length];
        while (true)
        {
            yield return new ByteCopy(_source, sourceOffset, targetOffset, RunBytes);
            var i = _counts.Length - 1;
            for (; i >= 0; i--)
            {
                sourceOffset += _sourceStrides[i];
                targetOffset += _targetStrides[i];
                if (++position[i] < _counts[i])
                {
                    break;
                }

                position[i] = 0;
                sourceOffset -= _counts[i] * _sourceStrides[i];
                targetOffset -= _counts[i] * _targetStrides[i];
            }

            if (i < 0)
            {
                yield break;
            }
        }
    }

    private static long[] Strides(Box box, int elementBytes)
    {
        var strides = new long[box.Dimensions];
        long stride = elementBytes;
        for (var i = box.Dimensions - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= box.End[i] - box.Begin[i];
        }

        return strides;
    }
}
