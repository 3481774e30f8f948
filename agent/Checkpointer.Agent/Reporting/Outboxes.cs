using System.Collections.Concurrent;
using System.Threading.Channels;
using Checkpointer.Agent.Joining;
using Checkpointer.Agent.Telemetry;
using Checkpointer.Contracts.Replicas;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Reporting;

/// <summary>The outboxes of all ranks of this node, each sent by a loop of its own: one run's trouble delays no other.</summary>
internal sealed class Outboxes : BackgroundService
{
    /// <summary>Most ranks that one agent speaks for.</summary>
    public const int MaxRanks = 1024;

    private readonly ConcurrentDictionary<(RunId, Rank), RankOutbox> _outboxes = new();
    private readonly ConcurrentDictionary<RunId, (Attempt Attempt, Step Step)> _ledgerSteps = new();
    private readonly Channel<RankOutbox> _opened = Channel.CreateBounded<RankOutbox>(MaxRanks);
    private readonly ServiceClient _service;
    private readonly Grants _grants;
    private readonly RetryPause _pause;
    private readonly AgentTelemetry _telemetry;
    private readonly ILogger<RankOutbox> _logger;
    private readonly Lock _gate = new();

    public Outboxes(
        ServiceClient service, Grants grants, RetryPause pause, AgentTelemetry telemetry, ILogger<RankOutbox> logger)
    {
        (_service, _grants, _pause, _telemetry, _logger) = (service, grants, pause, telemetry, logger);
        telemetry.Observe(
            "checkpointer.agent.reports.pending",
            "{report}",
            "Reports that wait for the service.",
            () => _outboxes.Values.Sum(outbox => (long)outbox.Count));
    }

    /// <summary>Newest step that the service said is durable for <paramref name="attempt"/>; null if it said nothing yet.</summary>
    public Step? LedgerStep(RunId run, Attempt attempt) =>
        _ledgerSteps.TryGetValue(run, out var known) && known.Attempt == attempt ? known.Step : null;

    /// <summary>Completed steps of rank 0. Throws <c>limit_exceeded</c>, transient, when too many wait.</summary>
    public void AddSteps(RunId run, ReportSteps steps) => Get(run, new Rank(0)).Add(new OutboxReport(
        ReportKind.Steps,
        steps.Attempt,
        $"steps {steps.Reports[0].Step} to {steps.Reports[^1].Step} of attempt {steps.Attempt}",
        async (service, token) =>
        {
            var result = await service.ReportAsync(run, steps, token);
            _ledgerSteps[run] = (steps.Attempt, result.LedgerStep);
        },
        steps.Reports.Count));

    /// <summary>What became of a snapshot; the task ends as <see cref="OutboxReport.Delivery"/> does.</summary>
    public Task<CheckpointerException?> Add(RunId run, SnapshotReport report) => Add(run, report.Rank, new OutboxReport(
        report.Outcome == SnapshotOutcome.Refused ? ReportKind.Refusal : ReportKind.Snapshot,
        report.Attempt,
        $"snapshot {report.Step}.{report.Attempt} {report.Outcome}",
        (service, token) => service.ReportAsync(run, report, token),
        snapshot: report.Outcome == SnapshotOutcome.Sealed ? new CheckpointId(report.Step, report.Attempt) : null));

    /// <summary>A durable shard; the task ends as <see cref="OutboxReport.Delivery"/> does.</summary>
    public Task<CheckpointerException?> Add(RunId run, ShardReport report) => Add(run, report.Rank, new OutboxReport(
        ReportKind.Shard,
        report.Attempt,
        $"shard of {report.Checkpoint}",
        (service, token) => service.ReportAsync(run, report, token),
        snapshot: report.Checkpoint));

    /// <summary>A copy of another node's image; the task ends as <see cref="OutboxReport.Delivery"/> does.</summary>
    public Task<CheckpointerException?> Add(RunId run, ReplicaReport report) => Add(run, report.Rank, new OutboxReport(
        ReportKind.Replica,
        report.Attempt,
        $"copy of {report.Checkpoint}",
        (service, token) => service.ReportAsync(run, report, token)));

    /// <summary>A copy that cannot be made, because the image is corrupt; the task ends as <see cref="OutboxReport.Delivery"/> does.</summary>
    public Task<CheckpointerException?> Add(RunId run, CorruptCopyReport report) => Add(run, report.Rank, new OutboxReport(
        ReportKind.CorruptCopy,
        report.Attempt,
        $"corrupt copy of {report.Checkpoint}",
        (service, token) => service.ReportAsync(run, report, token)));

    /// <summary>A restore that ended; the task ends as <see cref="OutboxReport.Delivery"/> does.</summary>
    public Task<CheckpointerException?> Add(RunId run, RestoreReport report) => Add(run, report.Rank, new OutboxReport(
        ReportKind.Restore,
        report.Attempt,
        $"restore of {report.Checkpoint}",
        (service, token) => service.ReportAsync(run, report, token)));

    /// <inheritdoc cref="RankOutbox.TryWithdraw"/>
    public bool TryWithdraw(RunId run, Rank rank, CheckpointId snapshot) =>
        _outboxes.TryGetValue((run, rank), out var outbox) && outbox.TryWithdraw(snapshot);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var loops = new List<Task>();
        var next = _opened.Reader.ReadAsync(stoppingToken).AsTask();
        while (true)
        {
            // A loop that ends has met a bug: it goes on to the host, which stops loudly.
            await (await Task.WhenAny([next, .. loops]));
            loops.Add((await next).RunAsync(stoppingToken));
            next = _opened.Reader.ReadAsync(stoppingToken).AsTask();
        }
    }

    // A writer was refused as stale: which attempts are fenced out, the service says best. Trainers hear of it by their next call.
    private async Task LookAsync(RunId run, CancellationToken cancellationToken)
    {
        try
        {
            var progress = await _service.ProgressAsync(run, cancellationToken);
            _grants.Observe(run, progress.Attempt, progress.Fenced);
        }
        catch (CheckpointerException)
        {
            // Counted by the client; the next heartbeat tells the same.
        }
    }

    private Task<CheckpointerException?> Add(RunId run, Rank rank, OutboxReport report)
    {
        Get(run, rank).Add(report);
        return report.Delivery;
    }

    private RankOutbox Get(RunId run, Rank rank)
    {
        lock (_gate)
        {
            if (_outboxes.TryGetValue((run, rank), out var known))
            {
                return known;
            }

            var opened = new RankOutbox(run, rank, _service, token => LookAsync(run, token), _pause, _telemetry, _logger);
            if (!_opened.Writer.TryWrite(opened) || _outboxes.Count == MaxRanks)
            {
                throw new CheckpointerException(
                    ErrorCode.LimitExceeded, $"This agent speaks for {MaxRanks} ranks already. Restart it to forget old runs.");
            }

            _outboxes[(run, rank)] = opened;
            return opened;
        }
    }
}
