using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Storage.Tests.Resilience;

/// <summary>A fake time of which a test learns that a timer was started, so that it can let exactly that one pass.</summary>
internal sealed class ObservedTime : FakeTimeProvider
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Channel<TimeSpan> _timers = Channel.CreateUnbounded<TimeSpan>();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ObservedTimer(base.CreateTimer(callback, state, dueTime, period), _timers.Writer);
        _ = _timers.Writer.TryWrite(dueTime);
        return timer;
    }

    /// <summary>The next timer that is due between the two, from now; timers before it are passed over.</summary>
    public async Task<TimeSpan> TimerAsync(TimeSpan least, TimeSpan most)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            var due = await _timers.Reader.ReadAsync(patience.Token);
            if (due >= least && due <= most)
            {
                return due;
            }
        }
    }

    /// <summary>Waits for a timer as above and lets its time pass.</summary>
    public async Task<TimeSpan> PassAsync(TimeSpan least, TimeSpan most)
    {
        var due = await TimerAsync(least, most);
        Advance(due);
        return due;
    }

    private sealed class ObservedTimer(ITimer timer, ChannelWriter<TimeSpan> timers) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var changed = timer.Change(dueTime, period);
            _ = timers.TryWrite(dueTime);
            return changed;
        }

        public void Dispose() => timer.Dispose();

        public ValueTask DisposeAsync() => timer.DisposeAsync();
    }
}
