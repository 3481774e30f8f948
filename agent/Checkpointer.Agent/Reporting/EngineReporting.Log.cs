using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Reporting;

internal sealed partial class EngineReporting
{
    [LoggerMessage(302, LogLevel.Error, "Run {Run} rank {Rank}: the report of {Subject} could not be queued: {Why}")]
    private partial void LogNotQueued(RunId run, Rank rank, string subject, string why);
}
