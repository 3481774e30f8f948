using System.Collections.Concurrent;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Coordination;
using Microsoft.Extensions.Hosting;

namespace Checkpointer.Service.Notifying;

/// <summary>Wakes who pushes incidents, whenever a run has a new one that is durable. Thread-safe.</summary>
internal sealed class IncidentWatch(RunHost host, RunChanges changes) : BackgroundService
{
    private const int PageSize = 1000;

    private readonly RunChanges.Subscription _changes = changes.Subscribe();
    private readonly ConcurrentDictionary<RunId, long> _totals = new();
    private volatile TaskCompletionSource _raised = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes at the next incident of any run. Take it before looking, or one between the two is missed.</summary>
    public Task Raised => _raised.Task;

    /// <summary>The number of the newest incident of each run that has any.</summary>
    public IReadOnlyDictionary<RunId, long> Totals => _totals;

    /// <summary>The same, read from the runs now.</summary>
    public async Task<IReadOnlyDictionary<RunId, long>> ReadTotalsAsync(CancellationToken cancellationToken)
    {
        var totals = new Dictionary<RunId, long>();
        string? after = null;
        do
        {
            var page = await host.ListRunsAsync(after, PageSize, static state => state.Summarise(), cancellationToken).ConfigureAwait(false);
            foreach (var run in page.Items)
            {
                totals[run.Run] = run.Incidents;
            }

            after = page.Next;
        }
        while (after is not null);
        return totals;
    }

    /// <summary>Incidents of a run behind <paramref name="after"/>, oldest first, at most <paramref name="limit"/>.</summary>
    public async Task<IReadOnlyList<Incident>> ReadAsync(RunId run, long after, int limit, CancellationToken cancellationToken) =>
        await host.TryReadAsync(run, state => state.Incidents.After(after, limit), cancellationToken).ConfigureAwait(false)
            is (true, { } incidents) ? incidents : [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            var raised = false;
            foreach (var run in await _changes.NextAsync(stoppingToken).ConfigureAwait(false))
            {
                var total = await host.ReadAsync(run, static state => state.Incidents.Total, stoppingToken).ConfigureAwait(false);
                if (total > _totals.GetValueOrDefault(run))
                {
                    _totals[run] = total;
                    raised = true;
                }
            }

            if (raised)
            {
                Interlocked.Exchange(ref _raised, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
            }
        }
    }
}
