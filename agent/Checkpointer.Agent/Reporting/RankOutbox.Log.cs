using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Reporting;

internal sealed partial class RankOutbox
{
    [LoggerMessage(300, LogLevel.Warning, "Run {Run} rank {Rank}: {Subject} not delivered yet, attempt {Attempts}: {Why}")]
    private partial void LogDelayed(RunId run, Rank rank, string subject, int attempts, string why);

    [LoggerMessage(301, LogLevel.Error, "Run {Run} rank {Rank}: {Subject} will never be delivered ({Code}): {Why}")]
    private partial void LogGivenUp(RunId run, Rank rank, string subject, string code, string why);
}
