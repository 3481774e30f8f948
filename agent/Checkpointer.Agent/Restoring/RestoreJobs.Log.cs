using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Restoring;

internal sealed partial class RestoreJobs
{
    [LoggerMessage(310, LogLevel.Information, "Run {Run} rank {Rank}: restored {Checkpoint} in {DurationMs} ms, {Faults} faults on the way")]
    private partial void LogRestored(RunId run, Rank rank, CheckpointId checkpoint, double durationMs, int faults);

    [LoggerMessage(311, LogLevel.Error, "Run {Run} rank {Rank}: {Checkpoint} could not be restored: {Why}")]
    private partial void LogFailed(RunId run, Rank rank, CheckpointId checkpoint, string why);

    [LoggerMessage(312, LogLevel.Warning, "Run {Run} rank {Rank}: {Checkpoint} is not what the attempt resumes from any more; plan {Number}: {Reason}")]
    private partial void LogReplaced(RunId run, Rank rank, CheckpointId checkpoint, int number, string reason);
}
