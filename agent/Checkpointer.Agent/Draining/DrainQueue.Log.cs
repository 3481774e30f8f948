using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Draining;

internal sealed partial class DrainQueue
{
    [LoggerMessage(330, LogLevel.Warning, "Run {Run} rank {Rank}: storage failed the drain of {Checkpoint}; trying again in {Delay}, training goes on. {Fault} {Advice}")]
    private partial void LogStorageFailed(RunId run, Rank rank, CheckpointId checkpoint, TimeSpan delay, string fault, string advice);
}
