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
}
