using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Replicating;

internal sealed partial class ReplicaInbox
{
    [LoggerMessage(360, LogLevel.Debug, "Run {Run} rank {Rank}: a copy of {Checkpoint} is held for node {Node}, {Bytes} bytes in {Seconds:0.00} s")]
    private partial void LogHeld(RunId run, Rank rank, CheckpointId checkpoint, string node, long bytes, double seconds);

    [LoggerMessage(361, LogLevel.Warning, "Run {Run} rank {Rank}: no copy of {Checkpoint} for node {Node} for now: {Fault}")]
    private partial void LogTrouble(RunId run, Rank rank, CheckpointId checkpoint, string node, string fault);

    [LoggerMessage(362, LogLevel.Information, "Run {Run} rank {Rank}: copies for node {Node} are made again, {Checkpoint} first")]
    private partial void LogMended(RunId run, Rank rank, string node, CheckpointId checkpoint);
}
