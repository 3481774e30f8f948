namespace Checkpointer.Formats.Resharding;

/// <summary>A block of a tensor: in each dimension from a begin (inclusive) to an end (exclusive), in elements.</summary>
internal readonly struct Box(long[] begin, long[] end)
{
    public long[] Begin { get; } = begin;

    public long[] End { get; } = end;

    public int Dimensions => Begin.Length;

    /// <summary>The block of that shape at those offsets.</summary>
    public static Box Of(IReadOnlyList<long> offsets, IReadOnlyList<long> shape) =>
        new([.. offsets], [.. offsets.Zip(shape, (offset, length) => offset + length)]);

    /// <summary>Number of elements; 1 for a scalar.</summary>
    public long Volume
    {
        get
        {
            long volume = 1;
            for (var i = 0; i < Dimensions; i++)
            {
                volume *= End[i] - Begin[i];
            }

            return volume;
        }
    }

    /// <summary>Whether the two share an element.</summary>
    public bool Intersects(Box other)
    {
        for (var i = 0; i < Dimensions; i++)
        {
            if (Math.Max(Begin[i], other.Begin[i]) >= Math.Min(End[i], other.End[i]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The shared block of two that intersect.</summary>
    public Box Intersection(Box other) =>
        new([.. Begin.Zip(other.Begin, Math.Max)], [.. End.Zip(other.End, Math.Min)]);

    /// <summary>
    /// Adds to <paramref name="rest"/> what is left of this box without <paramref name="hole"/>, a box inside it: at most
    /// two disjoint boxes a dimension, cut off one dimension after the other.
    /// </summary>
    public void Subtract(Box hole, List<Box> rest)
    {
        var (begin, end) = (Begin, End);
        for (var i = 0; i < Dimensions; i++)
        {
            if (begin[i] < hole.Begin[i])
            {
                rest.Add(new Box(begin, With(end, i, hole.Begin[i])));
            }

            if (hole.End[i] < end[i])
            {
                rest.Add(new Box(With(begin, i, hole.End[i]), end));
            }

            begin = With(begin, i, hole.Begin[i]);
            end = With(end, i, hole.End[i]);
        }
    }

    public bool SameAs(Box other) => Begin.AsSpan().SequenceEqual(other.Begin) && End.AsSpan().SequenceEqual(other.End);

    private static long[] With(long[] values, int index, long value)
    {
        var copy = (long[])values.Clone();
        copy[index] = value;
        return copy;
    }
}
