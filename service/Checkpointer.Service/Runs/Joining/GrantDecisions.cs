using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Recovery;
using Checkpointer.Service.Runs.Events;
using Checkpointer.Service.Runs.Incidents;

namespace Checkpointer.Service.Runs.Joining;

/// <summary>What a complete incarnation comes to: the next attempt, and what it resumes from.</summary>
internal static class GrantDecisions
{
    /// <summary>The grant, and the plan that applying it arrives at.</summary>
    public static (AttemptGranted Granted, RecoveryPlan Plan) Decide(
        RunState state, PendingIncarnation pending, DateTimeOffset now)
    {
        var choice = RecoveryPlanner.Choose(state, pending.Agents.Values);
        var attempt = state.Attempts.Next;
        var incidents = new List<Incident>();
        var drafts = new IncidentDrafts(state.Incidents, now);
        foreach (var corrupt in choice.CorruptCopies
            .GroupBy(copy => (copy.Node, copy.Image.Checkpoint)).Take(RunLimits.MaxCorruptIncidents))
        {
            List<Rank> ranks = [.. corrupt.Select(copy => copy.Image.Rank)];
            incidents.Add(drafts.Raise(
                IncidentKind.CorruptCopy, attempt, corrupt.Key.Checkpoint.Step, ranks,
                $"Node {corrupt.Key.Node} holds images of {corrupt.Key.Checkpoint} of {RankNames.Of(ranks)} that are not what was "
                + $"sealed (the first has root {corrupt.First().Image.Root}). They are not used."));
        }

        foreach (var lost in state.Checkpoints.Open.Where(open => EndsWithGrant(open, choice.ResumeFrom)))
        {
            incidents.Add(drafts.Raise(
                IncidentKind.CheckpointAbandoned, attempt, lost.Checkpoint.Step, lost.MissingRanks(),
                $"Checkpoint {lost.Checkpoint} is abandoned: {FencedOut(attempt)}, while {lost.DurableShards} of "
                + $"{lost.WorldSize} shards were durable."));
        }

        if (FindGap(state, choice.ResumeFrom) is { } gap)
        {
            incidents.Add(GapIncident(drafts, attempt, choice.ResumeFrom!.Value, gap));
        }

        if (state.Rollbacks.Pending is { } rollback && rollback.Target != choice.ResumeFrom)
        {
            incidents.Add(drafts.Raise(
                IncidentKind.RollbackMissed, attempt, rollback.Target.Step, [],
                $"The run was to go back to {rollback.Target}, but not every byte of that has a live holder any more. It goes on from "
                + $"{choice.ResumeFrom?.ToString() ?? "scratch"}, which is older."));
        }

        var resumesUnfinished = choice.ResumeFrom is { } from
            && state.Checkpoints.Find(from) is { State: CheckpointState.Saving };
        var granted = new AttemptGranted
        {
            At = now,
            Attempt = attempt,
            Incarnation = pending.Incarnation,
            ResumeFrom = choice.ResumeFrom,
            Reason = choice.Reason,
            DeadlineAt = resumesUnfinished ? now + state.Options.CheckpointDeadline : null,
            Incidents = incidents.Count == 0 ? null : incidents,
        };
        return (granted, RecoveryPlans.Build(state, pending, choice.ResumeFrom, choice.Reason));
    }

    /// <summary>
    /// Whether a grant ends this checkpoint: a writer that is fenced out can't complete it. One whose shards are all
    /// durable is complete already and goes on to be committed.
    /// </summary>
    public static bool EndsWithGrant(Checkpoints.CheckpointRecord checkpoint, CheckpointId? resumeFrom) =>
        checkpoint.State == CheckpointState.Saving && checkpoint.Checkpoint != resumeFrom;

    /// <summary>Why such a checkpoint ends.</summary>
    public static string FencedOut(Attempt attempt) => $"attempt {attempt} began and resumes from another step";

    /// <summary>The newest step in the ledger on the way to what is resumed, if that is not the resumed step itself.</summary>
    public static Step? FindGap(RunState state, CheckpointId? resumeFrom)
    {
        if (resumeFrom is not { } from || (state.Ledger.Entries.Count == 0 && state.Ledger.Forgotten == 0))
        {
            return null; // from scratch, or this job reports no steps at all
        }

        var newest = state.NewestLedgerStep(state.Attempts.PathTo(from.Attempt), from.Step);
        return newest == from.Step ? null : newest ?? new Step(Step.MinValue);
    }

    /// <summary>What such a gap means.</summary>
    public static Incident GapIncident(IncidentDrafts drafts, Attempt attempt, CheckpointId resumeFrom, Step gap) => drafts.Raise(
        IncidentKind.LedgerGap, attempt, resumeFrom.Step, [],
        $"The run goes on from step {resumeFrom.Step}, but the ledger of this lineage ends at step {gap}: the steps between were "
        + "taken and never reported.");
}
