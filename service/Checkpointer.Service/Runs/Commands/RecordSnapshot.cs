using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Runs.Snapshots;

namespace Checkpointer.Service.Runs.Commands;

/// <summary>What became of one rank's snapshot (<c>POST …/snapshots</c>).</summary>
internal sealed record RecordSnapshot(SnapshotReport Body) : RunCommand<Acknowledged>
{
    internal override Decision<Acknowledged> Decide(RunState state, DateTimeOffset now) => SnapshotDecisions.Decide(state, Body, now);
}
