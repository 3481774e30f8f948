using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Joining;

namespace Checkpointer.Service.Recovery;

/// <summary>
/// Chooses what an attempt restores after it could not restore what it was granted: the newest step of its lineage that was
/// not tried yet and of which every byte has a holder. Snapshots in memory count although the grant gave them up: agents let
/// go of them only when they need the room, and one that is gone merely leads to the next choice.
/// </summary>
internal static class Replanner
{
    /// <summary>The choice; null if nothing is left.</summary>
    public static RecoveryChoice? Choose(RunState state, IEnumerable<AgentHoldings> agents, IReadOnlyCollection<CheckpointId> failed)
    {
        var path = state.Attempts.Path;

        // Ranks of the attempt that did not wait for the others may have sealed steps of it: those are no place to come from.
        bool MayBe(CheckpointId id) => id.Attempt < state.CurrentAttempt && path.Contains(id) && !failed.Contains(id);
        var committed = RecoveryPlanner.NewestWhole(state.Checkpoints.Restorable.Where(record => MayBe(record.Checkpoint)));
        var memory = MemoryCopies.Collect(state, agents, MayBe).Copies.Values.LastOrDefault(copies => copies.IsComplete);
        if (committed is not null && !(memory?.Checkpoint.Step >= committed.Checkpoint.Step))
        {
            var damaged = committed.IsDamaged ? ", although its newest verification found it damaged" : "";
            return Choice(
                committed.Checkpoint,
                $"Resumes at step {committed.Checkpoint.Step} ({committed.Checkpoint}) from object storage: it is the newest "
                + $"checkpoint left{damaged}.");
        }

        return memory is null
            ? null
            : Choice(
                memory.Checkpoint,
                $"Resumes at step {memory.Checkpoint.Step} ({memory.Checkpoint}) from memory: every one of its {memory.WorldSize} "
                + "images has a holder.");
    }

    private static RecoveryChoice Choice(CheckpointId resumeFrom, string reason) =>
        new() { ResumeFrom = resumeFrom, Reason = reason, CorruptCopies = [] };
}
