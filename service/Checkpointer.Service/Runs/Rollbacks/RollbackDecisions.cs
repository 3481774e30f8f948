using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Events;

namespace Checkpointer.Service.Runs.Rollbacks;

/// <summary>
/// What a request to go back comes to: the decision on record and the current attempt fenced, or nothing at all. It is
/// refused now rather than at the next grant if its target could not be restored.
/// </summary>
internal static class RollbackDecisions
{
    public static Decision<Rollback> Decide(
        RunState state, RequestRollback body, RecalledShards? recalled, DateTimeOffset now)
    {
        if (!state.Exists)
        {
            return Decision<Rollback>.Refuse(Fence.NoSuchRun(state));
        }

        if (Check(body) is { } malformed)
        {
            return Decision<Rollback>.Refuse(malformed);
        }

        if (state.CurrentAttempt is not { } current)
        {
            return Decision<Rollback>.Refuse(
                ErrorCode.NotFound, $"Run {state.Run} has no attempt yet: there is nothing to go back from.");
        }

        if (RollbackTargets.Find(state, body.To, out var target) is { } refusal)
        {
            return Decision<Rollback>.Refuse(refusal);
        }

        if (body.Target is { } shown && shown != target)
        {
            return Decision<Rollback>.Refuse(
                ErrorCode.CheckpointConflict,
                $"'{body.To}' of run {state.Run} is {target} by now, no longer {shown}. Look again.");
        }

        if (state.Rollbacks.Pending is { } pending && pending.Target == target && !body.DryRun)
        {
            return Decision<Rollback>.Accept(pending);
        }

        var rollback = Describe(state, body, current, target, now);
        if (body.DryRun)
        {
            return Decision<Rollback>.Accept(rollback with { Number = 0 });
        }

        var needed = RollbackTargets.IsForgotten(state, target) ? recalled : null;
        return RollbackTargets.IsForgotten(state, target) && CheckRecalled(state, target, needed) is { } missing
            ? Decision<Rollback>.Refuse(missing)
            : Decision<Rollback>.Accept(rollback, new RolledBack { At = now, Rollback = rollback, Shards = needed?.Shards });
    }

    // The event has to fit into a journal entry.
    private static Refusal? CheckRecalled(RunState state, CheckpointId target, RecalledShards? recalled)
    {
        var worldSize = state.Checkpoints.Find(target)!.WorldSize;
        return worldSize > RunLimits.MaxRecalledShards
            ? new Refusal(
                ErrorCode.LimitExceeded,
                $"Checkpoint {target} of run {state.Run} has {worldSize} shards and is not among the newest {RunLimits.MaxDetailedCheckpoints}; "
                + $"at most {RunLimits.MaxRecalledShards} can be recalled.")
            : recalled?.Checkpoint == target && recalled.Shards.Count == worldSize
                ? null
                : new Refusal(
                    ErrorCode.RestoreImpossible, $"What the store says of checkpoint {target} of run {state.Run} is not at hand. Ask again.");
    }

    private static Rollback Describe(
        RunState state, RequestRollback body, Attempt current, CheckpointId target, DateTimeOffset now)
    {
        // What the run would have kept, had nobody decided: the way of the attempt that is fenced.
        var left = state.Attempts.Path;
        var remaining = state.Attempts.PathThrough(target);
        List<CheckpointId> leaves =
        [
            .. state.Checkpoints.Records
                .Where(record => record.State is CheckpointState.Committed or CheckpointState.Committing
                    && left.Contains(record.Checkpoint) && !remaining.Contains(record.Checkpoint))
                .Select(record => record.Checkpoint),
        ];
        return new Rollback
        {
            Number = state.Rollbacks.Total + 1,
            At = now,
            To = body.To,
            Target = target,
            By = body.By,
            Comment = string.IsNullOrWhiteSpace(body.Comment) ? null : body.Comment,
            Fenced = current,
            LedgerStep = state.NewestLedgerStep(left),
            Leaves = [.. leaves.TakeLast(RunLimits.MaxNamedCheckpoints)],
            LeavesCount = leaves.Count,
        };
    }

    private static Refusal? Check(RequestRollback body) =>
        RequestText.CheckLength(body.To, "to", RunLimits.MaxTargetLength)
        ?? (string.IsNullOrWhiteSpace(body.By) ? RequestText.Invalid("by must say who decides.") : null)
        ?? RequestText.CheckLength(body.By, "by", RunLimits.MaxActorLength)
        ?? RequestText.CheckLength(body.Comment ?? "", "comment", RunLimits.MaxReasonLength);
}
