using Checkpointer.Formats.Identity;
using Checkpointer.Service.Hosting;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Commands;
using Microsoft.Extensions.Hosting;

namespace Checkpointer.Service.Coordination;

/// <summary>Tells runs when a checkpoint's deadline has come. What is kept in memory is rebuilt from the runs at each start.</summary>
internal sealed class DeadlineWorker(RunHost host, RunChanges changes, ServiceOptions options, TimeProvider timeProvider)
    : BackgroundService
{
    // A timer may fire a little before its time by the wall clock; the core decides by that clock.
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(5);

    // The longest sleep: a wall clock that was set forward is noticed that soon.
    private static readonly TimeSpan MaxSleep = TimeSpan.FromMinutes(1);

    private readonly RunChanges.Subscription _changes = changes.Subscribe();
    private readonly Dictionary<RunId, IReadOnlyList<PendingDeadline>> _deadlines = [];

    // Deadlines that passed while the service was away: agents first get the time to deliver what they have queued.
    private readonly DateTimeOffset _notBefore = timeProvider.GetUtcNow() + options.AgentTimeout;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var changed = _changes.NextAsync(stoppingToken);
        while (true)
        {
            using var sleep = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            var timer = Task.Delay(UntilNext(), timeProvider, sleep.Token);
            if (await Task.WhenAny(changed, timer).ConfigureAwait(false) == changed)
            {
                await sleep.CancelAsync().ConfigureAwait(false);
                foreach (var run in await changed.ConfigureAwait(false))
                {
                    await RefreshAsync(run, stoppingToken).ConfigureAwait(false);
                }

                changed = _changes.NextAsync(stoppingToken);
            }

            stoppingToken.ThrowIfCancellationRequested();
            await PassAsync(stoppingToken).ConfigureAwait(false);
        }
    }

    private TimeSpan UntilNext()
    {
        var next = _deadlines.Values.Min(deadlines => deadlines.Count > 0 ? deadlines[0].At : (DateTimeOffset?)null);
        if (next is null)
        {
            return MaxSleep;
        }

        var due = next.Value > _notBefore ? next.Value : _notBefore;
        var left = due - timeProvider.GetUtcNow() + Slack;
        return left < TimeSpan.Zero ? TimeSpan.Zero : left > MaxSleep ? MaxSleep : left;
    }

    private async Task PassAsync(CancellationToken cancellationToken)
    {
        var now = timeProvider.GetUtcNow();
        if (now < _notBefore)
        {
            return;
        }

        foreach (var (run, deadlines) in _deadlines.Where(pair => pair.Value.Any(deadline => deadline.At <= now)).ToList())
        {
            foreach (var deadline in deadlines.TakeWhile(deadline => deadline.At <= now))
            {
                _ = await host.ExecuteAsync(run, new PassDeadline(deadline.Checkpoint), cancellationToken).ConfigureAwait(false);
            }

            await RefreshAsync(run, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task RefreshAsync(RunId run, CancellationToken cancellationToken) =>
        _deadlines[run] = await host.ReadAsync(run, static state => state.PendingDeadlines, cancellationToken).ConfigureAwait(false);
}
