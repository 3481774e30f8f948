namespace Checkpointer.Service.Journal;

/// <summary>Which entry each of the log's files begins with: what is needed to let go of whole files. Not thread-safe.</summary>
internal sealed class LogSegments(byte segmentSizeBits, long beginAddress)
{
    private readonly Queue<(long Segment, long FirstSequence)> _firsts = [];
    private long _newestSegment = -1;

    /// <summary>Where the log begins.</summary>
    public long BeginAddress { get; private set; } = beginAddress;

    /// <summary>The first entry in the log; 0 if there is none.</summary>
    public long FirstSequence => _firsts.TryPeek(out var first) ? first.FirstSequence : 0;

    /// <summary>Takes note of the next entry. An entry never lies in two files.</summary>
    public void Add(long address, long sequence)
    {
        var segment = address >> segmentSizeBits;
        if (segment != _newestSegment)
        {
            _newestSegment = segment;
            _firsts.Enqueue((segment, sequence));
        }
    }

    /// <summary>
    /// Finds the last file all of whose predecessors hold only entries below <paramref name="sequence"/>, and begins
    /// there; false if that lets go of nothing.
    /// </summary>
    public bool TryTruncate(long sequence, out long begin)
    {
        var found = false;
        while (_firsts.Count > 1 && _firsts.ElementAt(1).FirstSequence <= sequence)
        {
            _ = _firsts.Dequeue();
            BeginAddress = _firsts.Peek().Segment << segmentSizeBits;
            found = true;
        }

        begin = BeginAddress;
        return found;
    }
}
