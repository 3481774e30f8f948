using System.Globalization;

namespace Checkpointer.Storage.S3;

/// <summary>
/// Watches one request for bytes that no longer move, and cancels <see cref="Token"/> then. It looks while a body is being
/// sent, from a bodiless request to its answer's head, and while an answer's body is read; not while a connection is waited
/// for, which has its own timeout, nor while a server works on a body that it has. A move only stores the time. Sender and
/// reader may be different threads.
/// </summary>
internal sealed class StallWatch : IDisposable
{
    /// <summary>Where the transport finds it.</summary>
    public static readonly HttpRequestOptionsKey<StallWatch> Option = new("checkpointer.stall_watch");

    // Timers count whole milliseconds; one of none would spin.
    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(1);

    private readonly TimeSpan _idleTimeout;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private int _phase;
    private long _movedAt;
    private long _bytes;
    private long _total;
    private volatile bool _isStalled;
    private bool _isDisposed;

    public StallWatch(TimeSpan idleTimeout, TimeProvider time, CancellationToken caller)
    {
        (_idleTimeout, _time, Caller) = (idleTimeout, time, caller);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(caller);
        _timer = time.CreateTimer(static watch => ((StallWatch)watch!).Look(), this, idleTimeout, Timeout.InfiniteTimeSpan);
    }

    private enum Phase
    {
        Paused,
        Asking,
        Sending,
        Receiving,
    }

    /// <summary>The token of who wants the answer.</summary>
    public CancellationToken Caller { get; }

    /// <summary>Cancelled when the caller cancels or nothing moves.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>Whether it cancelled because nothing moved.</summary>
    public bool IsStalled => _isStalled;

    /// <summary>How far the request came, for people.</summary>
    public string Progress => (Phase)Volatile.Read(ref _phase) switch
    {
        Phase.Sending => $"sent {Size(_bytes)} of {Size(_total)}",
        Phase.Receiving when _total < 0 => $"received {Size(_bytes)}",
        Phase.Receiving => $"received {Size(_bytes)} of {Size(_total)}",
        _ => "sent the request",
    };

    /// <summary>A request without a body is being written; its answer's head is next.</summary>
    public void Asking() => Begin(Phase.Asking, 0);

    /// <summary>A body of <paramref name="total"/> bytes is being sent.</summary>
    public void Sending(long total) => Begin(Phase.Sending, total);

    /// <summary>So much more of it was sent. Without effect once something else goes on: an answer may come before its body is through.</summary>
    public void Sent(int bytes) => Move(Phase.Sending, bytes);

    /// <summary>The body is through.</summary>
    public void SentAll() => Interlocked.CompareExchange(ref _phase, (int)Phase.Paused, (int)Phase.Sending);

    /// <summary>An answer's body is being read, of <paramref name="total"/> bytes if that is known.</summary>
    public void Receiving(long? total) => Begin(Phase.Receiving, total ?? -1);

    /// <summary>So much more of it came.</summary>
    public void Received(int bytes) => Move(Phase.Receiving, bytes);

    /// <summary>Nothing has to move for now.</summary>
    public void Pause() => Volatile.Write(ref _phase, (int)Phase.Paused);

    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            _timer.Dispose();
            _stop.Dispose();
        }
    }

    private void Begin(Phase phase, long total)
    {
        (_bytes, _total) = (0, total);
        Volatile.Write(ref _movedAt, _time.GetTimestamp());
        Volatile.Write(ref _phase, (int)phase);
    }

    private void Move(Phase phase, int bytes)
    {
        if (Volatile.Read(ref _phase) == (int)phase)
        {
            _bytes += bytes;
            Volatile.Write(ref _movedAt, _time.GetTimestamp());
        }
    }

    private void Look()
    {
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            var left = Volatile.Read(ref _phase) == (int)Phase.Paused
                ? _idleTimeout
                : _idleTimeout - _time.GetElapsedTime(Volatile.Read(ref _movedAt));
            if (left > TimeSpan.Zero)
            {
                _ = _timer.Change(left > ShortestWait ? left : ShortestWait, Timeout.InfiniteTimeSpan);
                return;
            }

            _isStalled = true;

            // Not here: what is cancelled may come back for the lock.
            _ = _stop.CancelAsync();
        }
    }

    private static string Size(long bytes)
    {
        var (count, unit) = bytes >= 1 << 20
            ? (bytes / (double)(1 << 20), "MiB")
            : bytes >= 1 << 10 ? (bytes / (double)(1 << 10), "KiB") : (bytes, "bytes");
        return string.Create(CultureInfo.InvariantCulture, $"{count:0.#} {unit}");
    }
}
