using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Presences;

internal sealed partial class FailureReports
{
    [LoggerMessage(360, LogLevel.Warning, "Run {Run} rank {Rank} of attempt {Attempt} ended: {Evidence}")]
    private partial void LogFailed(RunId run, Rank rank, Attempt attempt, string evidence);

    [LoggerMessage(361, LogLevel.Information, "The end of run {Run} rank {Rank} of attempt {Attempt} is no news to the service: {Why}")]
    private partial void LogRefused(RunId run, Rank rank, Attempt attempt, string why);
}
