using System.Collections.Immutable;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Recovery;
using Checkpointer.Service.Runs.Checkpoints;
using Checkpointer.Service.Runs.Events;
using Checkpointer.Service.Runs.Joining;
using Checkpointer.Service.Runs.Lineage;

namespace Checkpointer.Service.Runs;

/// <summary>How each event changes a run's state.</summary>
internal static class RunFold
{
    /// <summary>Applies one event.</summary>
    public static void Apply(RunState state, RunEvent happened)
    {
        switch (happened)
        {
            case RankJoined joined:
                state.Barrier.Join(joined);
                break;
            case AttemptGranted granted:
                Apply(state, granted);
                break;
            case StepRecorded recorded:
                Apply(state, recorded);
                break;
            case StepDisputed disputed:
                CheckFence(state, disputed.Attempt);
                state.Ledger.Disputed.Add(disputed.Step.Value);
                break;
            case SnapshotSealed sealing:
                Apply(state, sealing);
                break;
            case SnapshotGivenUp givenUp:
                Apply(state, givenUp);
                break;
            case ShardStored stored:
                Apply(state, stored);
                break;
            case CheckpointCommitted committed:
                state.Checkpoints.Commit(Find(state, committed.Checkpoint), committed.At, state.Attempts.Path);
                Prune(state);
                break;
            case CheckpointAbandoned abandoned:
                state.Checkpoints.Abandon(
                    Find(state, abandoned.Checkpoint),
                    abandoned.Incoherent ? CheckpointTrigger.FoundIncoherent : CheckpointTrigger.CannotComplete,
                    abandoned.Reason,
                    abandoned.Ranks,
                    abandoned.At);
                Prune(state);
                break;
            case CheckpointVerified verified:
                state.Checkpoints.KeepVerification(Find(state, verified.Checkpoint), verified.At, verified.Report);
                break;
            case RestoreRecorded restored:
                state.Attempts.RecordRestore(restored.Report);
                break;
            case AttemptReplanned replanned:
                Apply(state, replanned);
                break;
            case RestoreGivenUp givenUp:
                CheckFence(state, givenUp.Attempt);
                state.Attempts.GiveUpRestore(givenUp.Failed, givenUp.Reason);
                break;
            case RolledBack { Rollback: var rollback, Shards: var shards }:
                Invariant.Holds(rollback.Fenced == state.CurrentAttempt);
                state.Attempts.FenceCurrent(rollback.At);
                state.Rollbacks.Add(rollback);
                state.Checkpoints.Keep(rollback.Target);
                if (shards is not null)
                {
                    state.Checkpoints.Recall(rollback.Target, shards);
                }

                break;
            case StoreMismatched:
            case FailureDetected:
                break;
            case FencedSavesCondemned condemned:
                Invariant.Holds(condemned.Through < state.CurrentAttempt);
                state.Checkpoints.Condemn(new Condemnation(condemned.Through, condemned.Except));
                break;
            default:
                throw new InvariantViolationException($"No fold for {happened.GetType().Name}.");
        }
    }

    private static void Apply(RunState state, AttemptGranted granted)
    {
        Invariant.Holds(state.Barrier.Pending?.Incarnation == granted.Incarnation);
        var plan = RecoveryPlans.Build(state, state.Barrier.Pending!, granted.ResumeFrom, granted.Reason);
        var joined = state.Barrier.Open(state.Attempts.Current?.Incarnation);
        foreach (var ended in state.Checkpoints.Open
            .Where(open => GrantDecisions.EndsWithGrant(open, granted.ResumeFrom)).ToList())
        {
            state.Checkpoints.Abandon(
                ended, CheckpointTrigger.CannotComplete, GrantDecisions.FencedOut(granted.Attempt), ended.MissingRanks(), granted.At);
        }

        if (granted.ResumeFrom is { } resumed && granted.DeadlineAt is { } deadlineAt)
        {
            Find(state, resumed).DeadlineAt = deadlineAt;
        }

        state.Snapshots.BeginAttempt(granted.ResumeFrom, IsWholeInMemory(plan) ? plan.Images : null);
        state.Attempts.Grant(
            new AttemptRecord
            {
                Attempt = granted.Attempt,
                GrantedAt = granted.At,
                FirstJoinAt = joined.FirstJoinAt,
                Incarnation = granted.Incarnation,
                WorldSize = joined.WorldSize,
                ResumedFrom = granted.ResumeFrom,
                Reason = granted.Reason,
                Nodes = [.. joined.Ranks.Values],
                Restores = ImmutableSortedDictionary<int, RestoreReport>.Empty,
            },
            plan,
            joined);
        state.Rollbacks.Obey(granted.Attempt);
        state.Checkpoints.Keep(null);
        state.Checkpoints.FollowLineage(state.Attempts.Path);
        state.Ledger.Disputed.Clear();
    }

    private static void Apply(RunState state, AttemptReplanned replanned)
    {
        CheckFence(state, replanned.Attempt);
        Invariant.Holds(replanned.Number > state.Attempts.Plan!.Number);
        var plan = RecoveryPlans.Build(
            state, state.Attempts.Restoring!.Joined, replanned.ResumeFrom, replanned.Reason, replanned.Number);
        if (state.Checkpoints.Find(replanned.Failed) is { State: CheckpointState.Saving } lost)
        {
            state.Checkpoints.Abandon(
                lost, CheckpointTrigger.CannotComplete, ReplanDecisions.Lost, lost.MissingRanks(), replanned.At);
        }

        state.Snapshots.BeginAttempt(replanned.ResumeFrom, IsWholeInMemory(plan) ? plan.Images : null);
        state.Attempts.Replan(plan, replanned.Failed);
        state.Checkpoints.FollowLineage(state.Attempts.Path);
    }

    private static bool IsWholeInMemory(RecoveryPlan plan) => plan.Images.Count > 0
        && plan.Images.All(image => image.Sources.Any(source => source.Tier == Tier.Memory));

    private static void Apply(RunState state, StepRecorded recorded)
    {
        CheckFence(state, recorded.Attempt);
        Invariant.Holds(recorded.Report.Step.Value > (state.Attempts.Current!.ResumedFrom?.Step.Value ?? 0));
        state.Ledger.Append(new LedgerEntry
        {
            Attempt = recorded.Attempt,
            Report = recorded.Report,
            At = recorded.At,
            Replayed = recorded.Replayed,
            Diverged = recorded.Diverged,
        });
        state.Attempts.RecordStep(recorded.Attempt, recorded.At, recorded.Diverged);
    }

    private static void Apply(RunState state, SnapshotSealed sealing)
    {
        CheckFence(state, sealing.Checkpoint.Attempt);
        var snapshot = state.Snapshots.Seal(sealing, state.Attempts.Current!.WorldSize);
        var checkpoint = state.Checkpoints.Find(sealing.Checkpoint);
        if (checkpoint is null && sealing.Durable)
        {
            Invariant.Holds(sealing.DeadlineAt is not null);
            checkpoint = state.Checkpoints.Begin(
                sealing.Checkpoint, snapshot.Images.Length, sealing.At, sealing.DeadlineAt.Value);
        }

        if (checkpoint is not null)
        {
            checkpoint.SealedRanks = snapshot.SealedRanks;
            checkpoint.ImageBytes = Math.Max(checkpoint.ImageBytes, snapshot.ImageBytes);
        }

        if (snapshot.IsGlobal)
        {
            Prune(state);
        }
    }

    private static void Apply(RunState state, SnapshotGivenUp givenUp)
    {
        CheckFence(state, givenUp.Checkpoint.Attempt);
        state.Snapshots.GiveUp(givenUp.Checkpoint);
        var checkpoint = state.Checkpoints.Find(givenUp.Checkpoint);
        if (checkpoint is null && givenUp.Durable && !state.Checkpoints.IsClosed(givenUp.Checkpoint))
        {
            checkpoint = state.Checkpoints.Begin(
                givenUp.Checkpoint, state.Attempts.Current!.WorldSize, givenUp.At, givenUp.At);
        }

        if (checkpoint is { State: CheckpointState.Saving })
        {
            state.Checkpoints.Abandon(
                checkpoint, CheckpointTrigger.CannotComplete, givenUp.Reason, [givenUp.Rank], givenUp.At);
        }
    }

    private static void Apply(RunState state, ShardStored stored)
    {
        Invariant.Holds(state.Rollbacks.Pending is null);
        Invariant.Holds(
            stored.Checkpoint.Attempt == state.CurrentAttempt
            || stored.Checkpoint == state.Attempts.Current?.ResumedFrom);
        var snapshot = state.Snapshots.Find(stored.Checkpoint);
        var checkpoint = state.Checkpoints.Find(stored.Checkpoint);
        if (checkpoint is null)
        {
            Invariant.Holds(stored.DeadlineAt is not null);
            checkpoint = state.Checkpoints.Begin(
                stored.Checkpoint, state.Attempts.Find(stored.Checkpoint.Attempt)!.WorldSize, stored.At, stored.DeadlineAt.Value);
            checkpoint.SealedRanks = snapshot?.SealedRanks ?? 0;
            checkpoint.ImageBytes = snapshot?.ImageBytes ?? 0;
        }

        if (snapshot?.Images[stored.Rank.Value] is null)
        {
            checkpoint.ImageBytes += stored.Image.ImageBytes;
        }

        state.Checkpoints.Store(
            checkpoint, stored.Rank, StoredShard.Of(stored), stored.At,
            () => state.Attempts.PathTo(stored.Checkpoint.Attempt));
        if (checkpoint.State == CheckpointState.Committing)
        {
            Prune(state);
        }
    }

    // Invariant 4 of the design: what a fenced-out attempt says was refused, so no event can have come of it.
    private static void CheckFence(RunState state, Attempt attempt) =>
        Invariant.Holds(attempt == state.CurrentAttempt && state.Rollbacks.Pending is null);

    private static CheckpointRecord Find(RunState state, CheckpointId checkpoint) =>
        state.Checkpoints.Find(checkpoint)
        ?? throw new InvariantViolationException($"There is no checkpoint {checkpoint}.");

    // Sealed facts are needed until every shard of the same step has been compared with them.
    private static void Prune(RunState state) => state.Snapshots.Prune(
        snapshot => snapshot == state.Attempts.Current?.ResumedFrom
            || state.Checkpoints.Find(snapshot) is { State: CheckpointState.Saving });
}
