using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Sealing;

internal sealed partial class SealQueue
{
    [LoggerMessage(320, LogLevel.Error, "An image could not be hashed: {Fault}")]
    private partial void LogNotSealed(string fault);
}
