using System.Diagnostics;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Hosting;
using Checkpointer.Service.Stores;
using Checkpointer.Service.Telemetry;
using Checkpointer.Storage;
using Checkpointer.Storage.Probing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Sweeping;

/// <summary>
/// Deletes at intervals what aborted saves left in the store, of runs that the service knows, and what dead probes left. A
/// sweep that the store fails is tried again at its next time; nothing waits for it.
/// </summary>
internal sealed partial class SweepWorker(
    RunHost host,
    IObjectStore store,
    StoreGate gate,
    ServiceOptions options,
    ServiceMetrics metrics,
    NewRandom newRandom,
    TimeProvider timeProvider,
    ILogger<SweepWorker> logger) : BackgroundService
{
    // The first one comes soon, so that a service that is often restarted sweeps too.
    private const double FirstShare = 0.1;

    // Several services of one bucket do not sweep at the same moment.
    private const double Jitter = 0.1;

    private static readonly TimeSpan ProbesStaleAfter = TimeSpan.FromDays(1);

    private readonly Random _random = newRandom();
    private readonly RunSweeper _sweeper = new(host, store, metrics);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await gate.OpenAsync(stoppingToken).ConfigureAwait(false);
        for (var pause = options.SweepInterval * FirstShare; ; pause = options.SweepInterval)
        {
            var jittered = pause * (1 + (Jitter * ((2 * _random.NextDouble()) - 1)));
            await Task.Delay(jittered, timeProvider, stoppingToken).ConfigureAwait(false);
            await gate.OpenAsync(stoppingToken).ConfigureAwait(false);
            await SweepAsync(stoppingToken).ConfigureAwait(false);
        }
    }

    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        using var span = ServiceTelemetry.Spans.StartActivity("sweep");
        var totals = new SweepTotals();
        var outcome = "ok";
        try
        {
            var storeNow = await StoreClock.ReadAsync(store, _random, cancellationToken).ConfigureAwait(false);
            foreach (var run in host.Observe().Select(summary => summary.Run))
            {
                if (!await TrySweepAsync(run, storeNow, totals, cancellationToken).ConfigureAwait(false))
                {
                    outcome = "failed";
                }
            }

            await foreach (var probe in StaleProbes.DeleteAsync(store, storeNow - ProbesStaleAfter, cancellationToken).ConfigureAwait(false))
            {
                metrics.CountSwept(SweepReason.StaleProbe, probe.SizeBytes);
                totals.Deleted(SweepReason.StaleProbe, probe.SizeBytes);
            }
        }
        catch (CheckpointerException e)
        {
            outcome = "failed";
            LogFailed(e.Message);
        }

        var took = Stopwatch.GetElapsedTime(began);
        metrics.CountSweep(outcome, took);
        var kept = string.Join(", ", totals.Kept.Select(pair => $"{pair.Key}: {pair.Value}"));
        if (totals.Objects > 0)
        {
            LogSwept(totals.Objects, totals.Bytes, totals.Describe(), kept, took);
        }
        else
        {
            LogNothing(kept, took);
        }
    }

    /// <summary>One run's trouble keeps no other from being swept.</summary>
    private async Task<bool> TrySweepAsync(
        RunId run, DateTimeOffset storeNow, SweepTotals totals, CancellationToken cancellationToken)
    {
        try
        {
            await _sweeper.SweepAsync(run, storeNow, options.SweepGrace, totals, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (CheckpointerException e)
        {
            LogRunFailed(run, e.Message);
            return false;
        }
    }
}
