namespace Checkpointer.Storage.Verification;

/// <summary>The chunks of one pack that are to be read for one checkpoint, by offset; its header is checked before them, once.</summary>
internal sealed class PackPlan
{
    private readonly Lock _gate = new();
    private Task? _checked;

    public PackPlan(PackRecord record, ObjectKey key, ChunkPlace[] places)
    {
        (Record, Key, Places) = (record, key, places);
        Array.Sort(places, static (left, right) => left.OffsetBytes.CompareTo(right.OffsetBytes));
    }

    public PackRecord Record { get; }

    public ObjectKey Key { get; }

    public ChunkPlace[] Places { get; }

    /// <summary>Length of the object as the store has it; set by the header's check, 0 if it is missing.</summary>
    public long ObjectBytes { get; set; }

    /// <summary>Why nothing of it can be read; set by the header's check, null if there is no reason.</summary>
    public (FindingKind Kind, string Why)? Closed { get; set; }

    /// <summary>Checks the header by <paramref name="checkAsync"/> the first time; the others wait for that.</summary>
    public Task CheckHeaderAsync(Func<PackPlan, Task> checkAsync)
    {
        lock (_gate)
        {
            return _checked ??= checkAsync(this);
        }
    }

    /// <summary>Cuts the chunks into reads: neighbours together, up to a length that only a single chunk may exceed.</summary>
    public IEnumerable<ChunkRun> Runs(int maxBytes)
    {
        for (var first = 0; first < Places.Length;)
        {
            var end = first + 1;
            while (end < Places.Length
                && Places[end].OffsetBytes == Places[end - 1].End
                && Places[end].End - Places[first].OffsetBytes <= maxBytes)
            {
                end++;
            }

            yield return new ChunkRun(this, first, end);
            first = end;
        }
    }
}
