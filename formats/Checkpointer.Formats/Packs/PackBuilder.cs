using Checkpointer.Formats.Identity;

namespace Checkpointer.Formats.Packs;

/// <summary>
/// Decides which chunks of a shard go into which pack: in order, each pack as full as its limit allows. Not thread-safe.
/// </summary>
public sealed class PackBuilder
{
    private readonly CheckpointId _checkpoint;
    private readonly Rank _rank;
    private readonly int _maxPayloadBytes;
    private readonly List<PackHeader> _packs = [];
    private readonly List<PackEntry> _pending = [];
    private long _pendingBytes;

    /// <summary>Plans packs of at most <paramref name="maxPayloadBytes"/> bytes of chunks.</summary>
    public PackBuilder(CheckpointId checkpoint, Rank rank, int maxPayloadBytes = PackHeader.MaxPayloadBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxPayloadBytes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxPayloadBytes, PackHeader.MaxPayloadBytes);
        (_checkpoint, _rank, _maxPayloadBytes) = (checkpoint, rank, maxPayloadBytes);
    }

    /// <summary>
    /// Adds the next chunk; numbers must ascend. Returns the pack that it completed (one it did not fit into any more),
    /// or null. A chunk longer than the limit throws <see cref="ArgumentOutOfRangeException"/>.
    /// </summary>
    public PackHeader? Add(PackEntry entry)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(entry.StoredBytes, _maxPayloadBytes);
        var completed = _pendingBytes + entry.StoredBytes > _maxPayloadBytes || _pending.Count == PackHeader.MaxEntries
            ? Close()
            : null;
        _pending.Add(entry);
        _pendingBytes += entry.StoredBytes;
        return completed;
    }

    /// <summary>Closes the last pack and returns all of them, by number. No chunks, no packs.</summary>
    public IReadOnlyList<PackHeader> Build()
    {
        if (_pending.Count > 0)
        {
            Close();
        }

        return [.. _packs];
    }

    private PackHeader Close()
    {
        var pack = new PackHeader(_checkpoint, _rank, _packs.Count, _pending);
        _packs.Add(pack);
        _pending.Clear();
        _pendingBytes = 0;
        return pack;
    }
}
