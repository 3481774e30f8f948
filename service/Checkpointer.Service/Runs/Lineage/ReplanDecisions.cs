using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Recovery;
using Checkpointer.Service.Runs.Events;
using Checkpointer.Service.Runs.Incidents;
using Checkpointer.Service.Runs.Joining;

namespace Checkpointer.Service.Runs.Lineage;

/// <summary>What it comes to that a rank has no source left: another plan for all ranks, or none.</summary>
internal static class ReplanDecisions
{
    /// <summary>The event, and the answer that applying it arrives at.</summary>
    public static (RunEvent Planned, RestoreResult Answer) Decide(
        RunState state, RestoreStanding restoring, RestoreReport body, IncidentDrafts drafts, DateTimeOffset now)
    {
        var failed = body.Checkpoint;
        var why = $"Rank {body.Rank} on node {body.Node} found no whole copy of what it needs of {failed}";
        if (Replanner.Choose(state, restoring.Joined.Agents.Values, [.. restoring.Failed, failed]) is not { } choice)
        {
            var reason = $"{why}, and nothing older of this lineage is left to restore: {RestoreDecisions.FaultsOf(body)}";
            return (
                new RestoreGivenUp
                {
                    At = now,
                    Attempt = body.Attempt,
                    Failed = failed,
                    Reason = reason,
                    Incidents = [drafts.Raise(IncidentKind.PlanReplaced, body.Attempt, failed.Step, [body.Rank], reason)],
                },
                RestoreDecisions.Impossible(state, reason));
        }

        var number = Math.Max(1, state.CurrentPlan!.Number) + 1;
        var resumeFrom = choice.ResumeFrom!.Value;
        var text = $"{why}. {choice.Reason}";
        List<Incident> incidents =
        [
            drafts.Raise(
                IncidentKind.PlanReplaced, body.Attempt, failed.Step, [body.Rank],
                $"{why}: all ranks restore {resumeFrom} instead, by plan {number} of the attempt."),
        ];
        if (state.Checkpoints.Find(failed) is { State: CheckpointState.Saving } lost)
        {
            incidents.Add(drafts.Raise(
                IncidentKind.CheckpointAbandoned, body.Attempt, failed.Step, lost.MissingRanks(),
                $"Checkpoint {failed} is abandoned: {Lost}, while {lost.DurableShards} of {lost.WorldSize} shards were durable."));
        }

        if (GrantDecisions.FindGap(state, resumeFrom) is { } gap)
        {
            incidents.Add(GrantDecisions.GapIncident(drafts, body.Attempt, resumeFrom, gap));
        }

        return (
            new AttemptReplanned
            {
                At = now,
                Attempt = body.Attempt,
                Number = number,
                Failed = failed,
                ResumeFrom = resumeFrom,
                Reason = text,
                Incidents = incidents,
            },
            RestoreDecisions.Replaced(RecoveryPlans.Build(state, restoring.Joined, resumeFrom, text, number)));
    }

    /// <summary>Why a checkpoint that was still being saved ends with its plan.</summary>
    public const string Lost = "the attempt that was to finish it could not restore it";
}
