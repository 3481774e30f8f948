using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Arenas;

internal sealed partial class SlotPool
{
    [LoggerMessage(300, LogLevel.Information, "Run {Run} rank {Rank}: snapshot {Checkpoint} is sealed, root {Root}")]
    private static partial void LogSealed(ILogger logger, RunId run, Rank rank, CheckpointId checkpoint, string root);

    [LoggerMessage(301, LogLevel.Warning, "Run {Run} rank {Rank}: the capture of snapshot {Checkpoint} was abandoned: {Reason}")]
    private static partial void LogAbandoned(ILogger logger, RunId run, Rank rank, CheckpointId checkpoint, string reason);

    [LoggerMessage(302, LogLevel.Error, "Run {Run} rank {Rank}: snapshot {Checkpoint} is damaged: {Fault}")]
    private static partial void LogDamaged(ILogger logger, RunId run, Rank rank, CheckpointId checkpoint, string fault);

    [LoggerMessage(303, LogLevel.Information, "Run {Run} rank {Rank}: the shard of {Checkpoint} is durable")]
    private static partial void LogDrained(ILogger logger, RunId run, Rank rank, CheckpointId checkpoint);

    [LoggerMessage(304, LogLevel.Warning, "Run {Run} rank {Rank}: the shard of {Checkpoint} will not be stored: {Reason}")]
    private static partial void LogDrainGivenUp(ILogger logger, RunId run, Rank rank, CheckpointId checkpoint, string reason);

    [LoggerMessage(305, LogLevel.Error, "Run {Run} rank {Rank}: missing slots could not be made: {Fault}")]
    private static partial void LogRefillFailed(ILogger logger, RunId run, Rank rank, string fault);

    [LoggerMessage(307, LogLevel.Warning, "Run {Run} rank {Rank}: snapshot {Checkpoint} gave way to a newer one, because the {Missing} is away")]
    private static partial void LogGaveWay(ILogger logger, RunId run, Rank rank, CheckpointId checkpoint, string missing);

    [LoggerMessage(308, LogLevel.Warning, "Run {Run} rank {Rank}: memory has room for {Slots} slots of {Bytes} bytes, not for {Wanted}; a memory-only save may now be refused while an older step is being copied to the peer. Raise the memory budget")]
    private static partial void LogFewerSlots(ILogger logger, RunId run, Rank rank, int slots, long bytes, int wanted);

    [LoggerMessage(309, LogLevel.Warning, "Run {Run} rank {Rank}: the copy of its image for another node is given up: a rank of this node needs the memory")]
    private static partial void LogReplicaEvicted(ILogger logger, RunId run, Rank rank);

    [LoggerMessage(306, LogLevel.Information, "Run {Run} rank {Rank}: its memory is given to others: {Reason}")]
    private static partial void LogEvicted(ILogger logger, RunId run, Rank rank, string reason);
}
