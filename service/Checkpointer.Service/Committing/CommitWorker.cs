using System.Diagnostics;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Hosting;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Stores;
using Checkpointer.Service.Telemetry;
using Checkpointer.Storage.CrashPoints;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Committing;

/// <summary>
/// Commits every checkpoint whose shards are complete, each on its own: one that waits for its storage holds up no other.
/// What is pending is in the runs' state, so a restart goes on where this left off.
/// </summary>
internal sealed partial class CommitWorker(
    RunHost host,
    CheckpointCommitter committer,
    StoreGate gate,
    RunChanges changes,
    ServiceOptions options,
    TimeProvider timeProvider,
    ServiceMetrics metrics,
    ILogger<CommitWorker> logger) : BackgroundService
{
    private const int MaxDelayDoublings = 4;
    private const int MaxNamedRanks = 64;

    private readonly RunChanges.Subscription _changes = changes.Subscribe();
    private readonly Dictionary<(RunId Run, CheckpointId Checkpoint), Task> _running = [];
    private readonly CommitPlaces _places = new(options.MaxParallelCommits, options.CommitPatience, timeProvider);

    public override void Dispose()
    {
        base.Dispose();
        _places.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                foreach (var run in await _changes.NextAsync(stoppingToken).ConfigureAwait(false))
                {
                    foreach (var done in _running.Where(pair => pair.Value.IsCompleted).Select(pair => pair.Key).ToList())
                    {
                        _ = _running.Remove(done);
                    }

                    var pending = await host.ReadAsync(run, static state => state.PendingCommits, stoppingToken).ConfigureAwait(false);
                    foreach (var checkpoint in pending.Where(checkpoint => !_running.ContainsKey((run, checkpoint))))
                    {
                        _running[(run, checkpoint)] = CommitAsync(run, checkpoint, stoppingToken);
                    }
                }
            }
        }
        finally
        {
            // Each ends by itself once the token is cancelled; none throws anything else.
            await Task.WhenAll(_running.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task CommitAsync(RunId run, CheckpointId checkpoint, CancellationToken stoppingToken)
    {
        await Task.Yield();
        CrashPoint.Reach(CrashPointNames.CommitShardsComplete);
        await gate.OpenAsync(stoppingToken).ConfigureAwait(false);
        var began = Stopwatch.GetTimestamp();
        for (var tries = 0; !await TryCommitAsync(run, checkpoint, began, stoppingToken).ConfigureAwait(false); tries++)
        {
            var delay = options.CommitRetryDelay * (1 << Math.Min(tries, MaxDelayDoublings));
            await Task.Delay(delay, timeProvider, stoppingToken).ConfigureAwait(false);
            await gate.OpenAsync(stoppingToken).ConfigureAwait(false);
            if (!await IsPendingAsync(run, checkpoint, stoppingToken).ConfigureAwait(false))
            {
                return;
            }
        }
    }

    private Task<bool> IsPendingAsync(RunId run, CheckpointId checkpoint, CancellationToken cancellationToken) =>
        host.ReadAsync(run, state => state.PendingCommits.Contains(checkpoint), cancellationToken);

    /// <summary>False if it has to be tried again later.</summary>
    private async Task<bool> TryCommitAsync(RunId run, CheckpointId checkpoint, long began, CancellationToken stoppingToken)
    {
        using var place = await _places.TakeAsync(stoppingToken).ConfigureAwait(false);
        using var span = ServiceTelemetry.Spans.StartActivity("commit")?
            .SetTag("checkpointer.run", run.Value).SetTag("checkpointer.checkpoint", checkpoint.ToString());
        using var timeout = new CancellationTokenSource(options.CommitTimeout, timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, timeout.Token);
        try
        {
            var rejection = await committer.TryCommitAsync(run, checkpoint, either.Token).ConfigureAwait(false);
            if (rejection is null)
            {
                _ = await host.ExecuteAsync(run, new CompleteCommit(checkpoint), stoppingToken).ConfigureAwait(false);
                CrashPoint.Reach(CrashPointNames.CommitJournaled);
                metrics.CountCommit("committed", Stopwatch.GetElapsedTime(began));
                LogCommitted(run, checkpoint);
            }
            else
            {
                var ranks = rejection.Ranks.Take(MaxNamedRanks).ToList();
                _ = await host.ExecuteAsync(run, new RejectCommit(checkpoint, rejection.Reason, ranks), stoppingToken).ConfigureAwait(false);
                metrics.CountCommit("rejected", Stopwatch.GetElapsedTime(began));
                LogRejected(run, checkpoint, rejection.Reason);
            }

            return true;
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e)
        {
            // Whatever kept this one from being written, it is tried again and the others go on.
            metrics.CountCommit("deferred", Stopwatch.GetElapsedTime(began));
            LogDeferred(e, run, checkpoint);
            return false;
        }
    }
}
