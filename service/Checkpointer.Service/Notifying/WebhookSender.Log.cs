using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Notifying;

internal sealed partial class WebhookSender
{
    [LoggerMessage(270, LogLevel.Warning, "The webhook at {Url} did not take incident {Number} of run {Run} (try {Attempt}): {Why}; it is tried again in {Pause}")]
    private partial void LogRetry(string url, long number, RunId run, int attempt, string why, TimeSpan pause);

    [LoggerMessage(271, LogLevel.Information, "The webhook took incident {Number} of run {Run}")]
    private partial void LogTaken(long number, RunId run);

    [LoggerMessage(272, LogLevel.Error, "The webhook at {Url} will never be told of incident {Number} of run {Run}: it was refused {Refusals} times, the last time because {Why}. Those behind it go on; 'checkpointer incidents {Run}' has this one")]
    private partial void LogSetAside(string url, long number, RunId run, int refusals, string why);
}
