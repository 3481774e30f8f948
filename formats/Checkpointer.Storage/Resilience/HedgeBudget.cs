namespace Checkpointer.Storage.Resilience;

/// <summary>
/// How many second reads may be made: a share of all reads, saved up for a few at most, so that a store that became slow
/// for all gets hardly more to do. Bounds the bytes that they hold, too. Thread-safe.
/// </summary>
internal sealed class HedgeBudget(double share)
{
    /// <summary>Longest read that is asked for a second time.</summary>
    public const int MaxReadBytes = 64 << 20;

    /// <summary>Most bytes that second reads hold at once.</summary>
    public const long MaxBytesAtOnce = 2L * MaxReadBytes;

    private const double MaxSaved = 8;

    private readonly Lock _gate = new();

    // One to begin with: a hanging read must not wait for twenty others.
    private double _saved = share > 0 ? 1 : 0;
    private long _bytes;

    /// <summary>Whether a read of this length may ever be asked for a second time.</summary>
    public bool Covers(long bytes) => share > 0 && bytes <= MaxReadBytes;

    /// <summary>Counts a read.</summary>
    public void Earn()
    {
        lock (_gate)
        {
            _saved = Math.Min(MaxSaved, _saved + share);
        }
    }

    /// <summary>Takes one second read out, if it can be afforded; it is given back by <see cref="Return"/>.</summary>
    public bool TrySpend(long bytes)
    {
        lock (_gate)
        {
            if (_saved < 1 || _bytes + bytes > MaxBytesAtOnce)
            {
                return false;
            }

            _saved--;
            _bytes += bytes;
            return true;
        }
    }

    /// <summary>The second read has ended.</summary>
    public void Return(long bytes)
    {
        lock (_gate)
        {
            _bytes -= bytes;
        }
    }
}
