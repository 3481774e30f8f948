using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Runs.Checkpoints;

namespace Checkpointer.Service.Runs.Events;

/// <summary>
/// Somebody decided that the run goes on from an earlier checkpoint: the current attempt is fenced from here on, and the next
/// grant resumes there.
/// </summary>
internal sealed record RolledBack : RunEvent
{
    /// <summary>The decision; not granted yet.</summary>
    public required Rollback Rollback { get; init; }

    /// <summary>The target's shards by rank, if the run had forgotten them; null otherwise.</summary>
    public IReadOnlyList<StoredShard>? Shards { get; init; }
}
