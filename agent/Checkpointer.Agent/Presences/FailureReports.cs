using System.Threading.Channels;
using Checkpointer.Agent.Reporting;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Presences;

/// <summary>
/// Tells the service of ranks that died, beside the outboxes: a death must not wait for what the rank had to say before it. While
/// the service is away they wait, at most <see cref="MaxWaiting"/>, and then the oldest is dropped.
/// </summary>
internal sealed partial class FailureReports(
    ServiceClient service, RetryPause pause, TimeProvider time, ILogger<FailureReports> logger) : BackgroundService
{
    /// <summary>Most reports that wait.</summary>
    public const int MaxWaiting = 1024;

    // A rank that raises mostly does so because another one died, whose broken connection is seen at the same moment: that one
    // is to be told first.
    private static readonly TimeSpan RaisedDelay = TimeSpan.FromMilliseconds(500);

    private readonly Channel<(RunId Run, FailureReport Report)> _waiting =
        Channel.CreateBounded<(RunId, FailureReport)>(new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.DropOldest });

    private readonly Channel<(RunId Run, FailureReport Report)> _delayed =
        Channel.CreateBounded<(RunId, FailureReport)>(new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.DropOldest });

    public void Add(RunId run, FailureReport report)
    {
        LogFailed(run, report.Rank, report.Attempt, report.Evidence);
        _ = (report.Kind == FailureKind.Raised ? _delayed : _waiting).Writer.TryWrite((run, report));
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(SendAsync(stoppingToken), DelayAsync(stoppingToken));

    private async Task DelayAsync(CancellationToken cancellationToken)
    {
        await foreach (var item in _delayed.Reader.ReadAllAsync(cancellationToken))
        {
            var left = item.Report.At + RaisedDelay - time.GetUtcNow();
            if (left > TimeSpan.Zero)
            {
                await Task.Delay(left < RaisedDelay ? left : RaisedDelay, time, cancellationToken);
            }

            _ = _waiting.Writer.TryWrite(item);
        }
    }

    private async Task SendAsync(CancellationToken cancellationToken)
    {
        await foreach (var (run, report) in _waiting.Reader.ReadAllAsync(cancellationToken))
        {
            for (var failures = 0; ; failures++)
            {
                try
                {
                    await service.ReportAsync(run, report, cancellationToken);
                    break;
                }
                catch (CheckpointerException e) when (e.IsTransient)
                {
                    await pause.WaitAsync(failures, cancellationToken);
                }
                catch (CheckpointerException e)
                {
                    // Mostly a stale attempt: the job was started anew before the service could be told.
                    LogRefused(run, report.Rank, report.Attempt, e.Message);
                    break;
                }
            }
        }
    }
}
