using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Checkpoints;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Events;
using Checkpointer.Service.Runs.Incidents;

namespace Checkpointer.Service.Runs.Verifications;

/// <summary>
/// What the report of a verification comes to. The newest is kept, but for one that could not read everything and saw no
/// damage: it knows less than one that is there. Damage is an incident when it is new: until the checkpoint was good again.
/// </summary>
internal static class VerificationDecisions
{
    private const int NamedObjects = 3;

    public static Decision<Acknowledged> Decide(
        RunState state, CheckpointId checkpoint, VerificationReport body, DateTimeOffset now)
    {
        if (!state.Exists)
        {
            return Decision<Acknowledged>.Refuse(Fence.NoSuchRun(state));
        }

        if (state.Checkpoints.Find(checkpoint) is not { State: CheckpointState.Committed } record)
        {
            return Decision<Acknowledged>.Refuse(
                ErrorCode.NotFound, $"Run {state.Run} has no committed checkpoint {checkpoint}.");
        }

        if (VerificationReportChecks.Check(body, record.WorldSize) is { } refusal)
        {
            return Decision<Acknowledged>.Refuse(refusal);
        }

        var knowsLess = body.Outcome == VerificationOutcome.Incomplete
            && record.Verification is { Report.Outcome: not VerificationOutcome.Incomplete };
        return knowsLess
            ? Decision<Acknowledged>.Accept(Acknowledged.Instance)
            : Decision<Acknowledged>.Accept(
                Acknowledged.Instance,
                new CheckpointVerified
                {
                    At = now,
                    Checkpoint = checkpoint,
                    Report = body,
                    Incidents = FindDamage(state, record, body, now),
                });
    }

    private static List<Incident>? FindDamage(
        RunState state, CheckpointRecord record, VerificationReport body, DateTimeOffset now)
    {
        if (body.Outcome != VerificationOutcome.Damaged || record.IsDamaged)
        {
            return null;
        }

        var damage = body.Findings.Where(finding => finding.Kind != VerificationFindingKind.Unreadable).ToList();
        var named = string.Join("; ", damage.Take(NamedObjects).Select(Name));
        var more = body.FindingCount > NamedObjects ? $"; and {body.FindingCount - NamedObjects} more" : "";
        return
        [
            new IncidentDrafts(state.Incidents, now).Raise(
                IncidentKind.CheckpointDamaged,
                record.Checkpoint.Attempt,
                record.Checkpoint.Step,
                damage.SelectMany(finding => finding.Ranks).Distinct().Order(),
                $"Checkpoint {record.Checkpoint} is damaged in storage ({(body.By == VerifiedBy.Scrub ? "the scrub" : "an operator's verification")} "
                + $"found it): {named}{more}. Recoveries take an older undamaged checkpoint of the lineage if there is one. If copies or "
                + "older versions of these objects exist, put them back and verify again."),
        ];
    }

    private static string Name(VerificationFinding finding)
    {
        var ranks = finding.Ranks.Count == 0 ? "all ranks" : RankNames.Of(finding.Ranks);
        var tensors = finding.Tensors.Count == 0
            ? ""
            : $", tensors {string.Join(", ", finding.Tensors)}{(finding.TensorCount > finding.Tensors.Count ? " and more" : "")}";
        return $"'{finding.Key}' {finding.Detail} ({ranks}{tensors})";
    }
}
