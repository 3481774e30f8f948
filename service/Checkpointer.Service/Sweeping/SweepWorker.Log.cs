using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Sweeping;

internal sealed partial class SweepWorker
{
    [LoggerMessage(1600, LogLevel.Information, "Swept {Objects} uncommitted objects of {Bytes} bytes ({Reasons}) in {Took}; saves left: {Kept}")]
    private partial void LogSwept(long objects, long bytes, string reasons, string kept, TimeSpan took);

    [LoggerMessage(1601, LogLevel.Debug, "Nothing to sweep, in {Took}; saves left: {Kept}")]
    private partial void LogNothing(string kept, TimeSpan took);

    [LoggerMessage(1602, LogLevel.Warning, "The sweep did not get through; it is tried again at its next time: {Why}")]
    private partial void LogFailed(string why);

    [LoggerMessage(1603, LogLevel.Warning, "The sweep of run {Run} did not get through; it is tried again at its next time: {Why}")]
    private partial void LogRunFailed(RunId run, string why);
}
