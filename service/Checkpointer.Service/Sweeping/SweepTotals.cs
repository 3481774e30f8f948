namespace Checkpointer.Service.Sweeping;

/// <summary>What a sweep has deleted and left. Not thread-safe but for <see cref="Deleted"/>.</summary>
internal sealed class SweepTotals
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<SweepReason, (long Objects, long Bytes)> _deleted = [];

    /// <summary>Saves that were left, and why.</summary>
    public SortedDictionary<KeepReason, int> Kept { get; } = [];

    /// <summary>All objects that were deleted.</summary>
    public long Objects => Sum(counts => counts.Objects);

    /// <summary>Their bytes.</summary>
    public long Bytes => Sum(counts => counts.Bytes);

    /// <summary>An object was deleted.</summary>
    public void Deleted(SweepReason reason, long bytes)
    {
        lock (_gate)
        {
            var counts = _deleted.GetValueOrDefault(reason);
            _deleted[reason] = (counts.Objects + 1, counts.Bytes + bytes);
        }
    }

    /// <summary>A save was left.</summary>
    public void Left(KeepReason reason) => Kept[reason] = Kept.GetValueOrDefault(reason) + 1;

    /// <summary>By reason, for logs.</summary>
    public string Describe()
    {
        lock (_gate)
        {
            return string.Join(", ", _deleted.Select(pair => $"{pair.Key}: {pair.Value.Objects} objects of {pair.Value.Bytes} bytes"));
        }
    }

    private long Sum(Func<(long Objects, long Bytes), long> part)
    {
        lock (_gate)
        {
            return _deleted.Values.Sum(part);
        }
    }
}
