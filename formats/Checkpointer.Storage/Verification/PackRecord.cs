using Checkpointer.Formats.Indices;

namespace Checkpointer.Storage.Verification;

/// <summary>
/// What one verification knows of one pack: which of its chunks it has settled, and what is wrong with them. About 48
/// bytes a chunk. Thread-safe where it says so.
/// </summary>
internal sealed class PackRecord(PackReference reference)
{
    private readonly Lock _gate = new();
    private readonly HashSet<ChunkPlace> _claimed = [];
    private readonly Dictionary<ChunkPlace, FindingKind> _faults = [];

    /// <summary>The pack.</summary>
    public PackReference Reference => reference;

    /// <summary>What is wrong with the object as a whole, and of what kind; null if nothing is known to be.</summary>
    public (FindingKind Kind, string Detail)? Fault { get; set; }

    /// <summary>The last reason why a chunk of it could not be read.</summary>
    public string? Trouble { get; private set; }

    /// <summary>Whether anything is wrong.</summary>
    public bool IsFaulty => Fault is not null || _faults.Count > 0;

    /// <summary>True for the first who asks: that one reads the chunk. Not thread-safe.</summary>
    public bool Claim(ChunkPlace place) => _claimed.Add(place);

    /// <summary>Forgets chunks that could not be read, so that the next shard that needs them tries again. Not thread-safe.</summary>
    public void ForgetUnreadable()
    {
        foreach (var place in _faults.Where(pair => pair.Value == FindingKind.Unreadable).Select(pair => pair.Key).ToList())
        {
            _ = _faults.Remove(place);
            _ = _claimed.Remove(place);
        }

        if (Fault is { Kind: FindingKind.Unreadable })
        {
            Fault = null;
        }

        Trouble = null;
    }

    /// <summary>A chunk is not what it has to be. Thread-safe.</summary>
    public void Blame(ChunkPlace place, FindingKind kind, string? trouble = null)
    {
        lock (_gate)
        {
            _faults[place] = kind;
            Trouble = trouble ?? Trouble;
        }
    }

    /// <summary>What is wrong with a chunk; null if nothing. Not while chunks are being read.</summary>
    public FindingKind? FaultOf(ChunkPlace place) => _faults.TryGetValue(place, out var kind) ? kind : null;
}
