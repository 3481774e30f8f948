using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Detection;

internal sealed partial class FailureDetector
{
    [LoggerMessage(260, LogLevel.Warning, "Run {Run} lost node {Node}: {Evidence}")]
    private partial void LogLost(RunId run, string node, string evidence);

    [LoggerMessage(261, LogLevel.Warning, "Run {Run} attempt {Attempt} hangs: {Evidence}")]
    private partial void LogHangs(RunId run, Attempt attempt, string evidence);

    [LoggerMessage(262, LogLevel.Warning, "The agent of node {Node} sends no heartbeats, yet answers at {Address}: it cannot reach this service")]
    private partial void LogCutOff(string node, string address);

    [LoggerMessage(263, LogLevel.Information, "A failure of run {Run} was not recorded: {Why}")]
    private partial void LogNotRecorded(RunId run, string why);
}
