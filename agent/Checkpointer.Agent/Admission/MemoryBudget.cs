namespace Checkpointer.Agent.Admission;

/// <summary>
/// How much memory arenas may take and take. Every arena is admitted here before anything of it is allocated. Thread-safe.
/// </summary>
internal sealed class MemoryBudget(long limitBytes)
{
    private readonly Lock _gate = new();
    private long _usedBytes;

    /// <summary>The limit in bytes.</summary>
    public long LimitBytes { get; } = limitBytes;

    /// <summary>What is taken, in bytes.</summary>
    public long UsedBytes
    {
        get
        {
            lock (_gate)
            {
                return _usedBytes;
            }
        }
    }

    /// <summary>Takes <paramref name="bytes"/> if they fit, all or nothing.</summary>
    public bool TryTake(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        lock (_gate)
        {
            if (bytes > LimitBytes - _usedBytes)
            {
                return false;
            }

            _usedBytes += bytes;
            return true;
        }
    }

    /// <summary>Takes <paramref name="bytes"/> that exist already (an arena found at start), even beyond the limit: then nothing new fits.</summary>
    public void TakeExisting(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        lock (_gate)
        {
            _usedBytes += bytes;
        }
    }

    /// <summary>Gives back what was taken.</summary>
    public void Return(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        lock (_gate)
        {
            Formats.Errors.Invariant.Holds(bytes <= _usedBytes);
            _usedBytes -= bytes;
        }
    }
}
