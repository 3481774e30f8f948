using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Notifying;

internal sealed partial class WebhookWorker
{
    [LoggerMessage(270, LogLevel.Warning, "The webhook at {Url} did not take incident {Number} of run {Run} (try {Attempt}): {Why}; it is tried again in {Pause}")]
    private partial void LogRetry(string url, RunId run, long number, int attempt, string why, TimeSpan pause);

    [LoggerMessage(271, LogLevel.Information, "The webhook took incident {Number} of run {Run}")]
    private partial void LogTaken(RunId run, long number);
}
