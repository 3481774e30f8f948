using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Commands;

namespace Checkpointer.Service.Runs.Checkpoints;

/// <summary>How a checkpoint ends.</summary>
internal static class CommitDecisions
{
    public static Decision<Acknowledged> DecideDeadline(RunState state, CheckpointId checkpoint, DateTimeOffset now) => throw new NotImplementedException();

    public static Decision<Acknowledged> DecideComplete(RunState state, CheckpointId checkpoint, DateTimeOffset now) => throw new NotImplementedException();

    public static Decision<Acknowledged> DecideReject(RunState state, CheckpointId checkpoint, string reason, IReadOnlyList<Rank> ranks, DateTimeOffset now) => throw new NotImplementedException();
}
