using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Replicating;

internal sealed partial class ReplicaSender
{
    [LoggerMessage(365, LogLevel.Warning, "Run {Run} rank {Rank}: node {Node} makes no copy of {Checkpoint}: {Fault}")]
    private partial void LogRefused(RunId run, Rank rank, string node, CheckpointId checkpoint, string fault);

    [LoggerMessage(366, LogLevel.Information, "Run {Run} rank {Rank}: node {Node} holds a copy of {Checkpoint}")]
    private partial void LogCopied(RunId run, Rank rank, string node, CheckpointId checkpoint);
}
