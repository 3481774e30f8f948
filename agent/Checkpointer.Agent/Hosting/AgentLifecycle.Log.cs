using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Hosting;

internal sealed partial class AgentLifecycle
{
    [LoggerMessage(
        330, LogLevel.Information, "Agent {Node} ({Instance}) serves trainers at {Socket} and other agents at {Address}; {Holdings} images found")]
    private partial void LogStarted(string node, string instance, string socket, string address, int holdings);
}
