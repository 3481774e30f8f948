using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Events;
using Checkpointer.Service.Runs.Incidents;

namespace Checkpointer.Service.Runs.Lineage;

/// <summary>
/// What a restore report comes to. The first one of a rank holds, but for one that failed: a later success replaces it.
/// </summary>
internal static class RestoreDecisions
{
    public static Decision<Acknowledged> Decide(RunState state, RestoreReport body, DateTimeOffset now)
    {
        var refusal = Check(body)
            ?? Fence.Check(state, body.Attempt)
            ?? Fence.CheckRank(body.Rank, state.Attempts.Current!.WorldSize, $"attempt {body.Attempt}");
        if (refusal is not null)
        {
            return Decision<Acknowledged>.Refuse(refusal);
        }

        var current = state.Attempts.Current!;
        if (current.ResumedFrom != body.Checkpoint)
        {
            return Decision<Acknowledged>.Refuse(
                ErrorCode.InvalidRequest,
                $"Attempt {body.Attempt} of run {state.Run} did not resume from {body.Checkpoint} but from "
                + $"{current.ResumedFrom?.ToString() ?? "scratch"}.");
        }

        var known = current.Restores.GetValueOrDefault(body.Rank.Value);
        return known is null || (!known.Succeeded && body.Succeeded)
            ? Decision<Acknowledged>.Accept(
                Acknowledged.Instance,
                new RestoreRecorded { At = now, Report = body, Incidents = FindFaults(state, body, now) })
            : Decision<Acknowledged>.Accept(Acknowledged.Instance);
    }

    private static List<Incident>? FindFaults(RunState state, RestoreReport body, DateTimeOffset now)
    {
        var drafts = new IncidentDrafts(state.Incidents, now);
        var incidents = new List<Incident>();
        var faults = string.Join("; ", body.Faults);
        if (body.Faults.Count > 0)
        {
            incidents.Add(drafts.Raise(
                IncidentKind.CorruptCopy, body.Attempt, body.Checkpoint.Step, [body.Rank],
                $"Rank {body.Rank} on node {body.Node} met bad copies while restoring {body.Checkpoint}: {faults}"));
        }

        if (!body.Succeeded)
        {
            incidents.Add(drafts.Raise(
                IncidentKind.SnapshotRefused, body.Attempt, body.Checkpoint.Step, [body.Rank],
                $"Rank {body.Rank} on node {body.Node} could not restore {body.Checkpoint}: "
                + $"{(faults.Length == 0 ? "no reason given" : faults)}"));
        }

        return incidents.Count == 0 ? null : incidents;
    }

    private static Refusal? Check(RestoreReport body)
    {
        if (body.LocalMemoryBytes < 0 || body.PeerMemoryBytes < 0 || body.StorageBytes < 0
            || body.RestoreMs < 0 || !double.IsFinite(body.RestoreMs))
        {
            return RequestText.Invalid("the restore report has a length or time that cannot be.");
        }

        return RequestText.CheckName(body.Node, "node", RunLimits.MaxNodeLength, RequestText.NameCharacters)
            ?? body.Faults switch
            {
                null => RequestText.Invalid("faults must be given; it may be empty."),
                { Count: > RunLimits.MaxFaults } => RequestText.TooMany("faults", RunLimits.MaxFaults),
                _ => body.Faults
                    .Select(fault => RequestText.CheckLength(fault, "an element of faults", RunLimits.MaxFaultLength))
                    .FirstOrDefault(refusal => refusal is not null),
            };
    }
}
