using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Reporting;

internal sealed partial class Heartbeat
{
    [LoggerMessage(303, LogLevel.Warning, "The service does not take heartbeats: {Why}")]
    private partial void LogAway(string why);

    [LoggerMessage(304, LogLevel.Information, "The service takes heartbeats again")]
    private partial void LogBack();
}
