using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Committing;

internal sealed partial class CommitWorker
{
    [LoggerMessage(1300, LogLevel.Information, "Committed checkpoint {Checkpoint} of run {Run}")]
    private partial void LogCommitted(RunId run, CheckpointId checkpoint);

    [LoggerMessage(1301, LogLevel.Error, "Checkpoint {Checkpoint} of run {Run} is abandoned: {Reason}")]
    private partial void LogRejected(RunId run, CheckpointId checkpoint, string reason);

    [LoggerMessage(1302, LogLevel.Warning, "Checkpoint {Checkpoint} of run {Run} could not be committed yet; it is tried again")]
    private partial void LogDeferred(Exception exception, RunId run, CheckpointId checkpoint);
}
