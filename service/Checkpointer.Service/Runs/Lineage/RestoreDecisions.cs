using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Events;
using Checkpointer.Service.Runs.Incidents;

namespace Checkpointer.Service.Runs.Lineage;

/// <summary>
/// What a restore report comes to. No rank may train before every rank has restored by the current plan; one for which a
/// plan has no source left gets all of them another plan, or the end of the attempt if there is none. The first report of a
/// rank holds, but for one that failed: a later success replaces it, and before all have restored a later failure does, too.
/// </summary>
internal static class RestoreDecisions
{
    public static Decision<RestoreResult> Decide(RunState state, RestoreReport body, DateTimeOffset now)
    {
        var number = Math.Max(1, state.CurrentPlan?.Number ?? 1);
        var refusal = RestoreReportChecks.Check(body)
            ?? Fence.Check(state, body.Attempt)
            ?? Fence.CheckRank(body.Rank, state.Attempts.Current!.WorldSize, $"attempt {body.Attempt}")
            ?? RestoreReportChecks.CheckPlan(state, body, number);
        if (refusal is not null)
        {
            return Decision<RestoreResult>.Refuse(refusal);
        }

        var drafts = new IncidentDrafts(state.Incidents, now);
        if ((body.Plan ?? 1) < number)
        {
            return Decision<RestoreResult>.Accept(Replaced(state.CurrentPlan!), Late(state, body, drafts, now));
        }

        if (state.Attempts.Restoring?.Impossible is { } reason)
        {
            return Decision<RestoreResult>.Accept(Impossible(state, reason), Late(state, body, drafts, now));
        }

        var news = IsNews(state, body);
        List<RunEvent> events = news
            ? [new RestoreRecorded { At = now, Report = body with { WaitMs = null }, Incidents = FindFaults(body, drafts) }]
            : [];
        if (body.Succeeded)
        {
            return Decision<RestoreResult>.Accept(Answer(state, body.Rank), events);
        }

        if (body.NoSourceLeft == true && state.Attempts.Restoring is { } restoring && IsUntouched(state))
        {
            var (planned, answer) = ReplanDecisions.Decide(state, restoring, body, drafts, now);
            return Decision<RestoreResult>.Accept(answer, [.. events, planned]);
        }

        return Decision<RestoreResult>.Accept(
            Impossible(state, $"Rank {body.Rank} on node {body.Node} could not restore {body.Checkpoint}: {FaultsOf(body)}"), events);
    }

    /// <summary>The answer to a rank whose bytes are to come from another plan.</summary>
    public static RestoreResult Replaced(RecoveryPlan plan) =>
        new() { State = RestoreState.Replaced, RestoredRanks = 0, WaitingFor = [], Plan = plan };

    /// <summary>The answer to a rank that can't start.</summary>
    public static RestoreResult Impossible(RunState state, string reason) => new()
    {
        State = RestoreState.Impossible,
        RestoredRanks = state.Attempts.RestoredRanks,
        WaitingFor = [],
        Reason = reason,
    };

    /// <summary>What a rank met, for people.</summary>
    public static string FaultsOf(RestoreReport body) =>
        body.Faults.Count == 0 ? "no reason given" : string.Join("; ", body.Faults);

    private static RestoreResult Answer(RunState state, Rank rank)
    {
        var current = state.Attempts.Current!;
        var waiting = Enumerable.Range(0, current.WorldSize)
            .Where(other => other != rank.Value && current.Restores.GetValueOrDefault(other) is not { Succeeded: true })
            .Take(RunLimits.MaxNamedRanks)
            .Select(other => new Rank(other))
            .ToList();
        var known = current.Restores.GetValueOrDefault(rank.Value) is { Succeeded: true };
        return new RestoreResult
        {
            State = waiting.Count == 0 ? RestoreState.Confirmed : RestoreState.Pending,
            RestoredRanks = state.Attempts.RestoredRanks + (known ? 0 : 1),
            WaitingFor = waiting,
        };
    }

    private static bool IsNews(RunState state, RestoreReport body) =>
        state.Attempts.Current!.Restores.GetValueOrDefault(body.Rank.Value) is not { } known
        || (!known.Succeeded && body.Succeeded)
        || (known.Succeeded && !body.Succeeded && state.Attempts.Restoring is not null);

    // Another plan is for ranks that have not trained: what was done by this one would be of another state.
    private static bool IsUntouched(RunState state) => state.Attempts.Current!.FirstStepAt is null
        && state.Snapshots.Records.All(record => record.Checkpoint.Attempt != state.CurrentAttempt);

    // By the time that a rank tells of its bad copies another one may have had the plan replaced: they are told all the same,
    // once.
    private static List<RunEvent> Late(RunState state, RestoreReport body, IncidentDrafts drafts, DateTimeOffset now)
    {
        if (body.Faults.Count == 0 || FindFaults(body, drafts) is not { } incidents
            || state.Incidents.Kept.Any(known => known.Attempt == body.Attempt && known.Message == incidents[0].Message))
        {
            return [];
        }

        return [new RestoreRecorded { At = now, Report = body with { WaitMs = null }, Incidents = incidents }];
    }

    private static List<Incident>? FindFaults(RestoreReport body, IncidentDrafts drafts)
    {
        var incidents = new List<Incident>();

        // A copy that is gone or out of reach is what recoveries are made for: the report has it, and a restore that fails of it.
        var corrupt = body.Faults.Where(fault => fault.Kind == CopyFaultKind.Corrupt).ToList();
        if (corrupt.Count > 0)
        {
            var nodes = corrupt.Select(fault => fault.Node).Distinct().ToList();
            incidents.Add(drafts.Raise(
                IncidentKind.CorruptCopy, body.Attempt, body.Checkpoint.Step, [body.Rank],
                $"Rank {body.Rank} on node {body.Node} met bad copies while restoring {body.Checkpoint}: {string.Join("; ", corrupt)}") with
            {
                Node = nodes.Count == 1 ? nodes[0] : null,
            });
        }

        if (!body.Succeeded)
        {
            incidents.Add(drafts.Raise(
                IncidentKind.SnapshotRefused, body.Attempt, body.Checkpoint.Step, [body.Rank],
                $"Rank {body.Rank} on node {body.Node} could not restore {body.Checkpoint}: {FaultsOf(body)}"));
        }

        return incidents.Count == 0 ? null : incidents;
    }
}
