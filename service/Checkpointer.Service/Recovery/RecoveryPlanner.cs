using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Checkpoints;
using Checkpointer.Service.Runs.Joining;
using Checkpointer.Service.Runs.Lineage;

namespace Checkpointer.Service.Recovery;

/// <summary>
/// Chooses from where an attempt resumes: the newest step of the current lineage of which every byte has a live holder. That
/// is either a snapshot of which the agents that joined hold every rank's image, or a committed checkpoint. A run that has
/// a committed checkpoint never starts from scratch: if none is on the current lineage, the newest of another is taken.
/// A committed one that its newest verification found damaged is left for an older one that is not, if the lineage has
/// one; copies in memory count all the same, for they are verified by hash. After a rollback the way ends at its target,
/// which is taken therefore, and nothing newer ever is.
/// </summary>
internal static class RecoveryPlanner
{
    private const int MaxExplained = 4;

    /// <summary>The choice for an attempt whose ranks joined through <paramref name="agents"/>.</summary>
    public static RecoveryChoice Choose(RunState state, IEnumerable<AgentHoldings> agents)
    {
        var path = state.ResumePath;
        var rollback = state.Rollbacks.Pending;
        var committed = NewestWhole(state.Checkpoints.Restorable.Where(record => path.Contains(record.Checkpoint)))
            ?? NewestWhole(state.Checkpoints.Restorable.Where(record => rollback is null || record.Checkpoint.Step <= rollback.Target.Step));
        var (memory, corrupt) = MemoryCopies.Collect(
            state, agents, id => path.Contains(id) || id == committed?.Checkpoint);
        var complete = memory.Values.LastOrDefault(
            copies => copies.IsComplete && path.Contains(copies.Checkpoint) && !state.Snapshots.IsGivenUp(copies.Checkpoint));
        var fromStorage = committed is not null
            && (complete is null || (path.Contains(committed.Checkpoint) && committed.Checkpoint.Step > complete.Checkpoint.Step));
        var chosen = fromStorage ? committed!.Checkpoint : complete?.Checkpoint;
        var why = chosen is not { } resumed
            ? "Starts from scratch: the run has no committed checkpoint and the agents that joined hold no whole "
                + "snapshot."
            : fromStorage
                ? ExplainStorage(
                    resumed, committed!, memory.GetValueOrDefault(resumed), WhyCommitted(state, path, resumed, rollback))
                : $"Resumes at step {resumed.Step} ({resumed}) from memory: every one of its {complete!.WorldSize} images has a "
                    + "live holder.";
        return new RecoveryChoice
        {
            ResumeFrom = chosen,
            Reason = ExplainRollback(rollback, chosen) + why + ExplainPassedOver(state, path, memory, chosen),
            CorruptCopies = corrupt,
        };
    }

    /// <summary>The first that is not known to be damaged; if all are, the first.</summary>
    internal static CheckpointRecord? NewestWhole(IEnumerable<CheckpointRecord> newestFirst)
    {
        CheckpointRecord? damaged = null;
        foreach (var record in newestFirst)
        {
            if (!record.IsDamaged)
            {
                return record;
            }

            damaged ??= record;
        }

        return damaged;
    }

    private static string ExplainStorage(
        CheckpointId resumed, CheckpointRecord committed, MemoryCopies? memory, string why)
    {
        var also = memory is null || memory.Ranks == 0 ? "" : $", {memory.Ranks} of its {memory.WorldSize} images from memory";
        var damaged = committed.IsDamaged ? ", although its newest verification found it damaged: none is known to be whole" : "";
        return $"Resumes at step {resumed.Step} ({resumed}) from object storage ({committed.WorldSize} shards){also}: {why}{damaged}.";
    }

    private static string WhyCommitted(RunState state, LineagePath path, CheckpointId resumed, Rollback? rollback) =>
        rollback?.Target == resumed ? "that is what was decided"
        : !path.Contains(resumed) ? "it is the newest committed checkpoint of the run; this lineage has none"
        : resumed == state.Checkpoints.Committed ? "it is the newest committed checkpoint"
        : $"it is the newest committed checkpoint {(rollback is null ? "" : "before it ")}that is not known to be damaged";

    private static string ExplainRollback(Rollback? rollback, CheckpointId? chosen) => rollback switch
    {
        null => "",
        { Target: var target } when target == chosen => $"Rolled back to {target} by {rollback.By}. ",
        _ => $"{rollback.By} rolled the run back to {rollback.Target}, of which not every byte has a live holder any more. ",
    };

    private static string ExplainPassedOver(
        RunState state, LineagePath path, SortedDictionary<CheckpointId, MemoryCopies> memory, CheckpointId? chosen)
    {
        var newer = memory.Keys
            .Concat(state.Snapshots.Records.Select(record => record.Checkpoint))
            .Concat(state.Checkpoints.Open.Select(record => record.Checkpoint))
            .Concat(state.Checkpoints.Restorable.Where(record => record.IsDamaged).Select(record => record.Checkpoint))
            .Where(id => path.Contains(id) && (chosen is not { } resumed || id.Step > resumed.Step))
            .Distinct()
            .OrderDescending()
            .ToList();
        if (newer.Count == 0)
        {
            return "";
        }

        var explained = newer.Take(MaxExplained)
            .Select(id => $"{id} ({string.Join("; ", WhyNot(state, id, memory.GetValueOrDefault(id)))})");
        var more = newer.Count > MaxExplained ? $" and {newer.Count - MaxExplained} older ones" : "";
        return $" Passed over: {string.Join(", ", explained)}{more}.";
    }

    private static IEnumerable<string> WhyNot(RunState state, CheckpointId id, MemoryCopies? copies)
    {
        if (state.Snapshots.IsGivenUp(id))
        {
            yield return "given up";
        }
        else if (copies is null)
        {
            yield return "no live copy in memory";
        }
        else if (!copies.IsComplete)
        {
            yield return $"no live copy of {RankNames.Of(copies.MissingRanks())}";
        }

        var checkpoint = state.Checkpoints.Find(id);
        if (checkpoint is { State: CheckpointState.Saving })
        {
            yield return $"{checkpoint.DurableShards} of {checkpoint.WorldSize} shards durable";
        }
        else if (checkpoint is { State: CheckpointState.Committing })
        {
            yield return "all shards durable, not committed yet";
        }
        else if (checkpoint is { IsDamaged: true, Verification: { } verification })
        {
            yield return $"damaged in storage: {verification.Report.FindingCount} bad, missing or unreadable objects when verified {verification.At:u}";
        }
    }
}
