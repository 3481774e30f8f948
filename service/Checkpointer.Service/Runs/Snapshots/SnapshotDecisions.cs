using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Runs.Commands;

namespace Checkpointer.Service.Runs.Snapshots;

/// <summary>What a snapshot report comes to.</summary>
internal static class SnapshotDecisions
{
    public static Decision<Acknowledged> Decide(RunState state, SnapshotReport body, DateTimeOffset now) => throw new NotImplementedException();
}
