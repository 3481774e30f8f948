namespace Checkpointer.Storage.Resilience;

/// <summary>
/// The time that a call has in all. Stands still while the call waits for a permit: a long line before a busy store is no
/// failure of the store. Cancels <see cref="Token"/> when it is over. Used by one flow at a time.
/// </summary>
internal sealed class CallDeadline : IDisposable
{
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _expiry;
    private readonly CancellationTokenSource _either;
    private TimeSpan _left;
    private long _since;

    public CallDeadline(TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        (Timeout, _left, _time) = (timeout, timeout, time);
        _expiry = new CancellationTokenSource(timeout, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_expiry.Token, cancellationToken);
        _since = time.GetTimestamp();
    }

    /// <summary>How long the call has in all.</summary>
    public TimeSpan Timeout { get; }

    /// <summary>Cancelled when the caller cancels or the time is over.</summary>
    public CancellationToken Token => _either.Token;

    /// <summary>Whether the time is over.</summary>
    public bool IsOver => _expiry.IsCancellationRequested;

    /// <summary>What is left of it, while it runs.</summary>
    public TimeSpan Left => _left - _time.GetElapsedTime(_since);

    /// <summary>Stands still until <see cref="Resume"/>.</summary>
    public void Pause()
    {
        _left = Left;
        _expiry.CancelAfter(System.Threading.Timeout.InfiniteTimeSpan);
    }

    /// <summary>Goes on.</summary>
    public void Resume()
    {
        _since = _time.GetTimestamp();
        _expiry.CancelAfter(_left > TimeSpan.Zero ? _left : TimeSpan.Zero);
    }

    public void Dispose()
    {
        _either.Dispose();
        _expiry.Dispose();
    }
}
