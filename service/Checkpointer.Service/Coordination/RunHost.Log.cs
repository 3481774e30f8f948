using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Coordination;

internal sealed partial class RunHost
{
    [LoggerMessage(1200, LogLevel.Information, "Replayed {Runs} runs up to journal entry {Sequence} in {Elapsed}")]
    private partial void LogReplayed(int runs, long sequence, TimeSpan elapsed);

    [LoggerMessage(1201, LogLevel.Critical, "The state of run {Run} could not follow the journal; the service has to be started again")]
    private partial void LogFailed(Exception exception, RunId run);

    [LoggerMessage(1202, LogLevel.Information, "Saved a snapshot after journal entry {Sequence}, {Bytes} bytes")]
    private partial void LogSnapshotSaved(long sequence, int bytes);

    [LoggerMessage(1203, LogLevel.Critical, "Which repository the checkpoints are in could not be journaled; the service has to be started again")]
    private partial void LogChoiceFailed(Exception exception);
}
