using Checkpointer.Service.Hosting;
using Microsoft.Extensions.Hosting;

namespace Checkpointer.Service.Coordination;

/// <summary>Saves a snapshot whenever enough has been journaled since the last.</summary>
internal sealed class SnapshotWorker(RunHost host, RunChanges changes, ServiceOptions options) : BackgroundService
{
    private readonly RunChanges.Subscription _changes = changes.Subscribe();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            _ = await _changes.NextAsync(stoppingToken).ConfigureAwait(false);
            if (host.EntriesSinceSnapshot >= options.SnapshotEveryEntries)
            {
                await host.SaveSnapshotAsync(stoppingToken).ConfigureAwait(false);
            }
        }
    }
}
