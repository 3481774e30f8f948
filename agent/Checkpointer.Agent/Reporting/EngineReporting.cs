using Checkpointer.Agent.Arenas;
using Checkpointer.Agent.Draining;
using Checkpointer.Agent.Joining;
using Checkpointer.Agent.Telemetry;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Reporting;

/// <summary>What the arenas and drains have to say to the service, and ask it. Thread-safe.</summary>
internal sealed partial class EngineReporting(
    Outboxes outboxes, ServiceClient service, Grants grants, AgentTelemetry telemetry, ILogger<EngineReporting> logger)
    : ISnapshotReporter, IShardReporter, IRunProgressSource
{
    /// <inheritdoc/>
    public void Report(RunId run, SnapshotReport report)
    {
        if (report.Outcome == SnapshotOutcome.Refused)
        {
            telemetry.SnapshotRefused();
        }

        try
        {
            _ = outboxes.Add(run, report);
        }
        catch (CheckpointerException e)
        {
            LogNotQueued(run, report.Rank, $"snapshot {report.Step}.{report.Attempt}", e.Message);
        }
    }

    /// <inheritdoc/>
    public bool TryWithdraw(RunId run, Rank rank, CheckpointId snapshot) => outboxes.TryWithdraw(run, rank, snapshot);

    /// <inheritdoc/>
    public async Task<ShardOutcome> ReportAsync(RunId run, ShardReport report, CancellationToken cancellationToken)
    {
        try
        {
            return await outboxes.Add(run, report).WaitAsync(cancellationToken) switch
            {
                null => ShardOutcome.Acknowledged,
                { Code: ErrorCode.StaleAttempt } => ShardOutcome.StaleAttempt,
                _ => ShardOutcome.Refused,
            };
        }
        catch (CheckpointerException e)
        {
            LogNotQueued(run, report.Rank, $"shard of {report.Checkpoint}", e.Message);
            return ShardOutcome.Refused;
        }
    }

    /// <inheritdoc/>
    public async Task<RunProgress?> FetchAsync(RunId run, CancellationToken cancellationToken)
    {
        try
        {
            var progress = await service.ProgressAsync(run, cancellationToken);
            grants.Observe(run, progress.Attempt, progress.Fenced);
            return progress;
        }
        catch (CheckpointerException)
        {
            // Counted by the client; without an answer the trainer's begin is refused, which is reported.
            return null;
        }
    }
}
