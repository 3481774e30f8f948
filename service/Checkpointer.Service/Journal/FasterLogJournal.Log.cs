using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Journal;

internal sealed partial class FasterLogJournal
{
    [LoggerMessage(1100, LogLevel.Information, "The journal in '{Folder}' is open, with entries {First} to {Last}")]
    private partial void LogOpened(string folder, long first, long last);

    [LoggerMessage(1101, LogLevel.Error, "The journal in '{Folder}' has failed; nothing more is acknowledged")]
    private partial void LogFailed(Exception exception, string folder);

    [LoggerMessage(1102, LogLevel.Warning,
        "The journal's snapshot after entry {Sequence} in '{Folder}' is damaged; an older one and the log are used instead")]
    private partial void LogSnapshotDamaged(string folder, long sequence);
}
