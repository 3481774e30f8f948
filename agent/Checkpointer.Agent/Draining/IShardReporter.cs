using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Draining;

/// <summary>Brings shard reports to the service.</summary>
internal interface IShardReporter
{
    /// <summary>
    /// Queues the report behind everything that the rank reported before, and returns once the service has answered.
    /// An unreachable service is waited for, for ever: only <paramref name="cancellationToken"/> ends that (the drain was
    /// given up, or the agent stops). Throws nothing but <see cref="OperationCanceledException"/>.
    /// </summary>
    Task<ShardOutcome> ReportAsync(RunId run, ShardReport report, CancellationToken cancellationToken);
}
