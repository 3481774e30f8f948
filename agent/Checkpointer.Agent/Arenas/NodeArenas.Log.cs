using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Arenas;

internal sealed partial class NodeArenas
{
    [LoggerMessage(310, LogLevel.Information, "Run {Run} rank {Rank}: slot {Slot} ({State} {Checkpoint}) is taken over from an earlier process")]
    private partial void LogAdopted(RunId run, Rank rank, int slot, SlotState state, CheckpointId checkpoint);

    [LoggerMessage(311, LogLevel.Warning, "{Code}: '{Path}' is not taken over and was removed: {Fault}")]
    private partial void LogNotAdopted(ErrorCode code, string path, string fault);

    [LoggerMessage(312, LogLevel.Information, "Run {Run} was dropped")]
    private partial void LogDropped(RunId run);
}
