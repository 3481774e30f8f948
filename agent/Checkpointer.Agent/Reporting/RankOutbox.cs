using System.Threading.Channels;
using Checkpointer.Agent.Telemetry;
using Checkpointer.Contracts.Problems;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Reporting;

/// <summary>
/// What one rank has to tell the service, strictly in the order in which it happened: a report is sent only when the one
/// before it was taken or can never be. While the service is away reports wait and the first is tried again with
/// growing pauses. Thread-safe.
/// <para>
/// Bounds. Step reports: <see cref="MaxPendingSteps"/>, more are refused to the trainer, which keeps them. Refusals:
/// <see cref="MaxPendingRefusals"/>, then the oldest is given up (the service's deadline finds out too). Seals, shards
/// and restores are as many as the rank has slots and attempts: a slot is not reused before the service knows of it.
/// </para>
/// </summary>
internal sealed partial class RankOutbox(
    RunId run,
    Rank rank,
    ServiceClient service,
    Func<CancellationToken, Task> onStaleAsync,
    RetryPause pause,
    AgentTelemetry telemetry,
    ILogger logger)
{
    /// <summary>Most step reports that wait.</summary>
    public const int MaxPendingSteps = 4096;

    /// <summary>Most refusals that wait.</summary>
    public const int MaxPendingRefusals = 64;

    /// <summary>How often an answer that says "a bug in the service" is tried again before the report is given up.</summary>
    public const int MaxInternalFailures = 10;

    private readonly Lock _gate = new();
    private readonly LinkedList<OutboxReport> _waiting = new();
    private readonly Channel<bool> _arrived =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private int _pendingSteps;
    private int _pendingRefusals;

    /// <summary>How many reports wait.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>Appends <paramref name="report"/>; throws <c>limit_exceeded</c> (transient) for steps beyond the bound.</summary>
    public void Add(OutboxReport report)
    {
        OutboxReport? givenUp = null;
        lock (_gate)
        {
            if (report.Kind == ReportKind.Steps && _pendingSteps + report.Steps > MaxPendingSteps)
            {
                throw new CheckpointerException(
                    ErrorCode.LimitExceeded,
                    $"Run {run} rank {rank}: {_pendingSteps} step reports wait for the service, at most {MaxPendingSteps} may. "
                    + "Keep these and send them again later.",
                    isTransient: true);
            }

            if (report.Kind == ReportKind.Refusal && _pendingRefusals == MaxPendingRefusals)
            {
                givenUp = _waiting.First(waiting => waiting.Kind == ReportKind.Refusal);
                Remove(givenUp);
            }

            _waiting.AddLast(report);
            _pendingSteps += report.Steps;
            _pendingRefusals += report.Kind == ReportKind.Refusal ? 1 : 0;
        }

        _arrived.Writer.TryWrite(true);
        if (givenUp is not null)
        {
            GiveUp(givenUp, new CheckpointerException(
                ErrorCode.LimitExceeded, $"More than {MaxPendingRefusals} refusals of rank {rank} wait for the service."));
        }
    }

    /// <summary>
    /// Takes back everything that waits of a sealed snapshot. Changes nothing and returns false if there is nothing, or if any of it
    /// may have arrived: what the service knows cannot be unsaid.
    /// </summary>
    public bool TryWithdraw(CheckpointId snapshot)
    {
        List<OutboxReport> withdrawn;
        lock (_gate)
        {
            withdrawn = [.. _waiting.Where(report => report.Snapshot == snapshot)];
            if (!withdrawn.Exists(report => report.Kind == ReportKind.Snapshot) || withdrawn.Exists(report => report.MayHaveArrived))
            {
                return false;
            }

            withdrawn.ForEach(Remove);
        }

        withdrawn.ForEach(report => report.Settle(new CheckpointerException(
            ErrorCode.CheckpointConflict, $"{report.Subject} was withdrawn before the service heard of it.")));
        return true;
    }

    /// <summary>Sends until cancelled. Ends in no other way unless there is a bug.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await _arrived.Reader.ReadAsync(cancellationToken);
            while (First() is { } report)
            {
                await DeliverAsync(report, cancellationToken);
            }
        }
    }

    private async Task DeliverAsync(OutboxReport report, CancellationToken cancellationToken)
    {
        for (var failures = 0; TryBeginSending(report, out var mightHaveArrived); failures++)
        {
            try
            {
                await report.SendAsync(service, cancellationToken);
                Take(report);
                telemetry.ReportDelivered(NameOf(report.Kind));
                report.Settle(null);
                return;
            }
            catch (CheckpointerException e) when (MayStillSucceed(e, failures))
            {
                LogDelayed(run, rank, report.Subject, failures + 1, e.Message);
                EndSending(report, mightHaveArrived || !NeverLeft(e));
                await pause.WaitAsync(failures, cancellationToken);
            }
            catch (CheckpointerException e)
            {
                GiveUpWithItsLike(report, e);
                if (e.Code == ErrorCode.StaleAttempt)
                {
                    await onStaleAsync(cancellationToken);
                }

                return;
            }
        }
    }

    // A connection that never was has carried nothing.
    private static bool NeverLeft(CheckpointerException e) =>
        e.InnerException is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError };

    // A rank reports only once it has joined, so a service that does not know its run was started beside another journal, and
    // not for long: what is dropped meanwhile would be missing for good.
    internal static bool MayStillSucceed(CheckpointerException e, int failures) =>
        e.IsTransient || e.Code == ErrorCode.NotFound || (e.Code == ErrorCode.Internal && failures < MaxInternalFailures);

    /// <summary>A stale attempt has nothing more to say, so all that waits of it or of older ones goes with it.</summary>
    private void GiveUpWithItsLike(OutboxReport report, CheckpointerException failure)
    {
        List<OutboxReport> lost;
        lock (_gate)
        {
            lost = failure.Code == ErrorCode.StaleAttempt
                ? [.. _waiting.Where(waiting => waiting.Attempt <= report.Attempt)]
                : [report];
            lost.ForEach(Remove);
        }

        lost.ForEach(each => GiveUp(each, failure));
    }

    private void GiveUp(OutboxReport report, CheckpointerException failure)
    {
        telemetry.ReportGivenUp(NameOf(report.Kind), failure.Code);
        LogGivenUp(run, rank, report.Subject, CheckpointerProblem.NameOf(failure.Code), failure.Message);
        report.Settle(failure);
    }

    private void Take(OutboxReport report)
    {
        lock (_gate)
        {
            Remove(report);
        }
    }

    private void Remove(OutboxReport report)
    {
        if (_waiting.Remove(report))
        {
            _pendingSteps -= report.Steps;
            _pendingRefusals -= report.Kind == ReportKind.Refusal ? 1 : 0;
        }
    }

    private OutboxReport? First()
    {
        lock (_gate)
        {
            return _waiting.First?.Value;
        }
    }

    /// <summary>False if it does not wait any more: it was given up or withdrawn.</summary>
    private bool TryBeginSending(OutboxReport report, out bool mightHaveArrived)
    {
        lock (_gate)
        {
            mightHaveArrived = report.MayHaveArrived;
            report.MayHaveArrived = true;
            return _waiting.Contains(report);
        }
    }

    private void EndSending(OutboxReport report, bool mayHaveArrived)
    {
        lock (_gate)
        {
            report.MayHaveArrived = mayHaveArrived;
        }
    }

    private static string NameOf(ReportKind kind) =>
        System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(kind.ToString());
}
