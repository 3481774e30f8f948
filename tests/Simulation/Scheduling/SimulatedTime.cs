namespace Checkpointer.Simulation.Scheduling;

/// <summary>The clocks of one process: a wall clock of its own, which can be set, on simulated time, which cannot.</summary>
internal sealed class SimulatedTime(SimulatedProcess process) : TimeProvider
{
    private static readonly DateTimeOffset Beginning = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>How far its wall clock is off.</summary>
    public TimeSpan Offset { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => Beginning + process.Scheduler.Now + Offset;

    public override long GetTimestamp() => process.Scheduler.NowTicks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(process, callback, state);
        _ = timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Timer(SimulatedProcess process, TimerCallback callback, object? state) : ITimer
    {
        private readonly string _what = $"timer {process.Name}";
        private ScheduledEvent? _next;
        private TimeSpan _period;
        private bool _disposed;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (_disposed)
            {
                return false;
            }

            _next?.Cancel();
            _next = dueTime == Timeout.InfiniteTimeSpan ? null : process.Scheduler.Schedule(dueTime, _what, Fire, process);
            _period = period;
            return true;
        }

        public void Dispose()
        {
            _disposed = true;
            _next?.Cancel();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Fire()
        {
            _next = _period > TimeSpan.Zero ? process.Scheduler.Schedule(_period, _what, Fire, process) : null;
            callback(state);
        }
    }
}
