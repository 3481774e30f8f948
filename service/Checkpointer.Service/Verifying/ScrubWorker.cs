using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Hosting;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Verifications;
using Checkpointer.Service.Stores;
using Checkpointer.Service.Telemetry;
using Checkpointer.Storage;
using Checkpointer.Storage.Verification;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Verifying;

/// <summary>
/// Verifies one committed checkpoint every <see cref="ServiceOptions.ScrubInterval"/>, slowly, so that damage in storage is
/// known before a recovery meets it: first those never verified, the newest first; then the one verified longest ago. When
/// the next is due follows from what is kept in the runs, so that restarts neither skip nor repeat it.
/// </summary>
internal sealed partial class ScrubWorker(
    RunHost host,
    StoreGate gate,
    IObjectStore store,
    ServiceOptions options,
    TimeProvider timeProvider,
    ServiceMetrics metrics,
    ILogger<ScrubWorker> logger) : BackgroundService
{
    private const int RunsPerPage = 1000;

    // The longest sleep: what is committed meanwhile, and a clock that was set, are noticed that soon.
    private static readonly TimeSpan MaxSleep = TimeSpan.FromMinutes(1);

    // A delay is cut to whole milliseconds: without it the last fraction of one would be waited for in a busy loop.
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(1);

    // After an outage, in which nothing was learnt, the next try does not wait for a whole interval.
    private static readonly TimeSpan OutageDelay = TimeSpan.FromMinutes(15);

    private readonly Dictionary<(RunId Run, CheckpointId Checkpoint), DateTimeOffset> _tried = [];
    private readonly CheckpointVerifier _verifier = new(
        store,
        new VerificationOptions
        {
            Parallelism = 2,
            BufferBytes = 32L << 20,
            BytesPerSecond = options.ScrubBytesPerSecond == 0 ? null : options.ScrubBytesPerSecond,
        },
        timeProvider);

    private DateTimeOffset? _notBefore;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.ScrubInterval == TimeSpan.Zero)
        {
            return;
        }

        while (true)
        {
            await gate.OpenAsync(stoppingToken).ConfigureAwait(false);
            var sleep = Shorter(MaxSleep, options.ScrubInterval);
            try
            {
                var outlook = await LookAsync(stoppingToken).ConfigureAwait(false);
                if (outlook.Next is { } next)
                {
                    var left = DueAt(outlook) - timeProvider.GetUtcNow();
                    if (left <= TimeSpan.Zero)
                    {
                        await ScrubAsync(next, stoppingToken).ConfigureAwait(false);
                        continue;
                    }

                    sleep = Shorter(sleep, left + Slack);
                }
            }
            catch (CheckpointerException e)
            {
                LogDeferred(e); // the service is going down, or the checkpoint is gone by now
            }

            await Task.Delay(sleep, timeProvider, stoppingToken).ConfigureAwait(false);
        }
    }

    private DateTimeOffset DueAt(ScrubOutlook outlook)
    {
        var due = (outlook.NewestScrub ?? outlook.OldestCommit!.Value) + options.ScrubInterval;
        return _notBefore > due ? _notBefore.Value : due;
    }

    private async Task<ScrubOutlook> LookAsync(CancellationToken cancellationToken)
    {
        var outlook = ScrubOutlook.Empty;
        var there = new HashSet<(RunId Run, CheckpointId Checkpoint)>();
        string? after = null;
        do
        {
            var page = await host.ListRunsAsync(after, RunsPerPage, cancellationToken).ConfigureAwait(false);
            foreach (var run in page.Items.Select(summary => summary.Run))
            {
                outlook = outlook.With(await host.ReadAsync(
                    run,
                    state => ScrubOutlook.Of(
                        state, id => _tried.TryGetValue((run, id), out var at) && there.Add((run, id)) ? at : null),
                    cancellationToken).ConfigureAwait(false));
            }

            after = page.Next;
        }
        while (after is not null);

        // The run no longer keeps them: they are never tried again.
        foreach (var gone in _tried.Keys.Where(tried => !there.Contains(tried)).ToList())
        {
            _ = _tried.Remove(gone);
        }

        return outlook;
    }

    private async Task ScrubAsync(ScrubCandidate candidate, CancellationToken cancellationToken)
    {
        var (run, checkpoint) = (candidate.Run, candidate.Checkpoint);
        using var span = ServiceTelemetry.Spans.StartActivity("scrub")?
            .SetTag("checkpointer.run", run.Value).SetTag("checkpointer.checkpoint", checkpoint.ToString());
        LogBegin(run, checkpoint);

        // Set first: whatever becomes of this try, the next one is another checkpoint's, and not at once.
        var now = timeProvider.GetUtcNow();
        _tried[(run, checkpoint)] = now;
        _notBefore = now + Shorter(options.ScrubInterval, OutageDelay);
        await foreach (var found in _verifier.VerifyAsync(run, [checkpoint], null, cancellationToken).ConfigureAwait(false))
        {
            var report = VerificationReports.Of(found, VerifiedBy.Scrub);
            metrics.CountScrub(report.Outcome, report.BytesRead, found.Elapsed);
            Log(run, checkpoint, report);
            _ = await host.ExecuteAsync(run, new RecordVerification(checkpoint, report), cancellationToken).ConfigureAwait(false);
            if (report.Outcome != VerificationOutcome.Incomplete)
            {
                _ = _tried.Remove((run, checkpoint));
                _notBefore = timeProvider.GetUtcNow() + options.ScrubInterval;
            }
        }
    }

    private void Log(RunId run, CheckpointId checkpoint, VerificationReport report)
    {
        switch (report.Outcome)
        {
            case VerificationOutcome.Good:
                LogGood(run, checkpoint, report.BytesRead, report.Seconds);
                break;
            case VerificationOutcome.Damaged:
                LogDamaged(run, checkpoint, report.FindingCount, report.Findings[0].Key, report.Findings[0].Detail);
                break;
            default:
                LogIncomplete(run, checkpoint, report.UnreadBytes, report.Stopped ?? report.Findings[0].Detail);
                break;
        }
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
