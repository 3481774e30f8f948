using System.Globalization;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Checkpoints;
using Checkpointer.Service.Runs.Commands;

namespace Checkpointer.Service.Runs.Rollbacks;

/// <summary>Finds what a request to go back means, and whether that can be restored.</summary>
internal static class RollbackTargets
{
    /// <summary>The newest that can be restored.</summary>
    public const string Latest = "latest";

    /// <summary>The newest committed one that nothing speaks against.</summary>
    public const string KnownGood = "known_good";

    private const int MaxNamed = 8;

    /// <summary>
    /// What <paramref name="to"/> is now, or why it can't be gone back to. The current lineage is that which the next grant
    /// would continue: a rollback that is pending has cut it already.
    /// </summary>
    public static Refusal? Find(RunState state, string to, out CheckpointId target)
    {
        target = default;
        if (to is Latest)
        {
            return FindNewest(state, RestorableOn(state), "nothing that can be restored", out target);
        }

        if (to is KnownGood or "known-good")
        {
            return FindNewest(
                state,
                Committed(state).Where(record => !record.IsDamaged && !record.NonFinite).Select(record => record.Checkpoint),
                "no committed checkpoint that is neither damaged nor has NaN or infinite values",
                out target);
        }

        if (CheckpointId.TryParse(to, CultureInfo.InvariantCulture, out target))
        {
            return Judge(state, target);
        }

        return Step.TryParse(to, CultureInfo.InvariantCulture, out var step)
            ? FindStep(state, step, out target)
            : RequestText.Invalid("to must be a step (120), a step and its attempt (120.3), 'latest' or 'known_good'.");
    }

    /// <summary>What <paramref name="to"/> is, if its shards are known to its manifest only; null otherwise.</summary>
    public static CheckpointId? FindForgotten(RunState state, string to) =>
        state.CurrentAttempt is not null && Find(state, to ?? "", out var target) is null && IsForgotten(state, target) ? target : null;

    /// <summary>Whether only the store knows the shards of a committed checkpoint.</summary>
    public static bool IsForgotten(RunState state, CheckpointId target) =>
        state.Snapshots.GloballySealed != target
        && state.Checkpoints.Find(target) is { State: CheckpointState.Committed, Shards: null };

    private static Refusal? FindNewest(RunState state, IEnumerable<CheckpointId> candidates, string none, out CheckpointId target)
    {
        target = candidates.DefaultIfEmpty().MaxBy(id => id.Step);
        return target == default
            ? new Refusal(ErrorCode.NotFound, $"The current lineage of run {state.Run} has {none}.")
            : null;
    }

    private static Refusal? FindStep(RunState state, Step step, out CheckpointId target)
    {
        var path = state.ResumePath;
        var known = state.Checkpoints.Records.Select(record => record.Checkpoint)
            .Concat(state.Snapshots.Records.Select(record => record.Checkpoint))
            .Where(id => id.Step == step)
            .Distinct()
            .ToList();
        target = known.Find(path.Contains);
        if (target != default)
        {
            return Judge(state, target);
        }

        var elsewhere = known.Count == 0 ? "" : $" Off the lineage there is {string.Join(", ", known.Order())}: name it so.";
        return new Refusal(
            ErrorCode.NotFound, $"The current lineage of run {state.Run} has no checkpoint of step {step}.{elsewhere}{Offer(state)}");
    }

    private static Refusal? Judge(RunState state, CheckpointId target)
    {
        if (state.Snapshots.GloballySealed == target)
        {
            return null;
        }

        var record = state.Checkpoints.Find(target);
        var why = record switch
        {
            { State: CheckpointState.Committed, IsDamaged: true, Verification.At: var at } =>
                $"its verification of {at:u} found it damaged in storage; if the objects can be put back, verify it again",
            { State: CheckpointState.Committed } => null,
            { State: CheckpointState.Abandoned } => $"it was abandoned: {record.Reason}",
            { State: CheckpointState.Committing } => "its manifest is not written yet; try again in a moment",
            { State: CheckpointState.Saving } =>
                $"it is not whole: {record.DurableShards} of {record.WorldSize} shards are durable, and memory does not hold every rank's image of it",
            _ when state.Snapshots.Find(target) is not null => "it is not committed, and memory does not hold every rank's image of it",
            _ => "",
        };
        return why switch
        {
            null => null,
            "" => new Refusal(ErrorCode.NotFound, $"Run {state.Run} has no checkpoint {target}.{Offer(state)}"),
            _ => new Refusal(
                ErrorCode.RestoreImpossible, $"Run {state.Run} cannot go back to {target}: {why.TrimEnd('.')}.{Offer(state)}"),
        };
    }

    private static string Offer(RunState state)
    {
        var restorable = RestorableOn(state).Distinct().OrderDescending().ToList();
        var more = restorable.Count > MaxNamed ? $" and {restorable.Count - MaxNamed} older ones" : "";
        return restorable.Count == 0
            ? " There is nothing that it could go back to."
            : $" It can go back to {string.Join(", ", restorable.Take(MaxNamed))}{more}.";
    }

    private static IEnumerable<CheckpointId> RestorableOn(RunState state)
    {
        var committed = Committed(state).Where(record => !record.IsDamaged).Select(record => record.Checkpoint);
        return state.Snapshots.GloballySealed is { } inMemory && state.ResumePath.Contains(inMemory)
            ? committed.Append(inMemory)
            : committed;
    }

    private static IEnumerable<CheckpointRecord> Committed(RunState state) => state.Checkpoints.Records
        .Where(record => record.State == CheckpointState.Committed && state.ResumePath.Contains(record.Checkpoint));
}
