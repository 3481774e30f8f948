using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Verifying;

internal sealed partial class ScrubWorker
{
    [LoggerMessage(1500, LogLevel.Debug, "The scrub verifies checkpoint {Checkpoint} of run {Run}")]
    private partial void LogBegin(RunId run, CheckpointId checkpoint);

    [LoggerMessage(1501, LogLevel.Information, "The scrub found checkpoint {Checkpoint} of run {Run} good ({Bytes} bytes read in {Seconds:0.0} s)")]
    private partial void LogGood(RunId run, CheckpointId checkpoint, long bytes, double seconds);

    [LoggerMessage(1502, LogLevel.Error, "The scrub found checkpoint {Checkpoint} of run {Run} damaged: {Findings} objects, the first '{Key}' {Detail}")]
    private partial void LogDamaged(RunId run, CheckpointId checkpoint, int findings, string key, string detail);

    [LoggerMessage(1503, LogLevel.Warning, "The scrub could not read all of checkpoint {Checkpoint} of run {Run} ({UnreadBytes} bytes left), it is tried again: {Why}")]
    private partial void LogIncomplete(RunId run, CheckpointId checkpoint, long unreadBytes, string why);

    [LoggerMessage(1504, LogLevel.Warning, "The scrub could not go on; it is tried again")]
    private partial void LogDeferred(Exception exception);
}
