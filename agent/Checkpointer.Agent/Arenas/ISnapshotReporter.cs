using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Arenas;

/// <summary>
/// Takes what became of snapshots, for the service. Reports of one rank are delivered in the order of the calls, and
/// before any shard report of that rank that is made later. A snapshot may be reported more than once (after a restart).
/// </summary>
internal interface ISnapshotReporter
{
    /// <summary>
    /// Queues the report. Returns as soon as it is queued; must not throw and must not block: it is called by begin,
    /// on a trainer's time, and never under a lock of the arenas.
    /// </summary>
    void Report(RunId run, SnapshotReport report);

    /// <summary>
    /// Takes back what <see cref="Report"/> queued of a sealed snapshot, and its shard's report, if the service cannot have got
    /// either; returns whether it did. Then no rank can have been told that this one holds the snapshot. At once; may be called
    /// under a lock of the arenas.
    /// </summary>
    bool TryWithdraw(RunId run, Rank rank, CheckpointId snapshot);
}
