using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Replicas;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Events;
using Checkpointer.Service.Runs.Incidents;

namespace Checkpointer.Service.Runs.Failures;

/// <summary>
/// What detected failures come to: an incident, once, and nothing else. A false alarm costs a message, never an attempt.
/// </summary>
internal static class FailureDecisions
{
    /// <summary>A rank died. Others that die in the same attempt mostly die of that, or because the launcher starts all anew.</summary>
    public static Decision<Acknowledged> Decide(RunState state, FailureReport body, DateTimeOffset now)
    {
        var refusal = RequestText.CheckName(body.Node, "node", RunLimits.MaxNodeLength, RequestText.NameCharacters)
            ?? RequestText.CheckLength(body.Evidence, "evidence", FailureReport.MaxEvidenceLength)
            ?? (body.Card is null ? null : RequestText.CheckLength(body.Card, "card", FailureReport.MaxCardLength))
            ?? Fence.Check(state, body.Attempt)
            ?? Fence.CheckRank(body.Rank, state.Attempts.Current!.WorldSize, $"attempt {body.Attempt}");
        if (refusal is not null)
        {
            return Decision<Acknowledged>.Refuse(refusal);
        }

        if (Told(state, body.Attempt, incident => incident.Kind == IncidentKind.RankDied))
        {
            return Decision<Acknowledged>.Accept(Acknowledged.Instance);
        }

        var how = body.Kind == FailureKind.Raised ? "ended with an exception" : "died";
        return Raise(state, IncidentKind.RankDied, body.Attempt, now, draft => draft with
        {
            Ranks = [body.Rank],
            Node = body.Node,
            Card = body.Card,
            Failure = body.Kind,
            Evidence = body.Evidence,
            Message = $"Rank {body.Rank} of attempt {body.Attempt} on node {body.Node}{CardText(body.Card)} {how}: {body.Evidence} "
                + "Ranks that end after it in this attempt are not told of one by one.",
        });
    }

    /// <summary>An agent or its node is gone. The caller tells once for each silence.</summary>
    public static Decision<Acknowledged> Decide(RunState state, RecordLoss loss, DateTimeOffset now)
    {
        if (!state.Exists)
        {
            return Decision<Acknowledged>.Refuse(Fence.NoSuchRun(state));
        }

        var kind = loss.IsNode ? IncidentKind.NodeLost : IncidentKind.AgentLost;
        var ranks = loss.Ranks.Select(activity => activity.Rank).Order().ToList();
        var what = loss.IsNode ? $"Node {loss.Node} does not answer any more" : $"The agent of node {loss.Node} is gone";
        return Raise(state, kind, loss.Ranks.Max(activity => activity.Attempt), now, draft => draft with
        {
            Ranks = [.. ranks.Take(RunLimits.MaxNamedRanks)],
            Node = loss.Node,
            Card = OneCard(loss.Ranks),
            Evidence = loss.Evidence,
            Message = $"{what}; it had {RankNames.Of(ranks)} in training: {loss.Evidence}",
        });
    }

    /// <summary>A hang, unless the run has gone on by now or the same one was told.</summary>
    public static Decision<Acknowledged> Decide(RunState state, RecordHang hang, DateTimeOffset now)
    {
        if (Fence.Check(state, hang.Attempt) is { } refusal)
        {
            return Decision<Acknowledged>.Refuse(refusal);
        }

        var gone = state.Ledger.NewestOf(hang.Attempt) is { } newest && newest > hang.LastStep;
        if (gone || Told(state, hang.Attempt, incident => incident.Kind == IncidentKind.RankDied
            || (incident.Kind == IncidentKind.RankHung && incident.Step >= hang.LastStep)))
        {
            return Decision<Acknowledged>.Accept(Acknowledged.Instance);
        }

        var ranks = hang.Ranks.Select(activity => activity.Rank).Order().ToList();
        return Raise(state, IncidentKind.RankHung, hang.Attempt, now, draft => draft with
        {
            Step = hang.LastStep,
            Ranks = [.. ranks.Take(RunLimits.MaxNamedRanks)],
            Node = hang.Node,
            Card = OneCard(hang.Ranks),
            Evidence = hang.Evidence,
            Message = $"Attempt {hang.Attempt} has completed no step since {hang.LastStep}; furthest behind: {RankNames.Of(ranks)} "
                + $"(node {hang.Node}). {hang.Evidence}",
        });
    }

    /// <summary>A copy that cannot be made of an image whose bytes stay wrong: bad memory on either node, or a network that changes bytes.</summary>
    public static Decision<Acknowledged> Decide(RunState state, CorruptCopyReport body, DateTimeOffset now)
    {
        var refusal = RequestText.CheckName(body.From, "from", RunLimits.MaxNodeLength, RequestText.NameCharacters)
            ?? RequestText.CheckName(body.Node, "node", RunLimits.MaxNodeLength, RequestText.NameCharacters)
            ?? RequestText.CheckLength(body.Message, "message", CorruptCopyReport.MaxMessageLength)
            ?? Fence.Check(state, body.Attempt);
        if (refusal is not null)
        {
            return Decision<Acknowledged>.Refuse(refusal);
        }

        var copy = $"The copy on node {body.Node} of rank {body.Rank}'s image of {body.Checkpoint}, which node {body.From} holds,";
        if (Told(state, body.Attempt, incident =>
            incident.Kind == IncidentKind.CorruptCopy && incident.Message.StartsWith(copy, StringComparison.Ordinal)))
        {
            return Decision<Acknowledged>.Accept(Acknowledged.Instance);
        }

        return Raise(state, IncidentKind.CorruptCopy, body.Attempt, now, draft => draft with
        {
            Step = body.Checkpoint.Step,
            Ranks = [body.Rank],
            Node = body.From,
            Evidence = body.Message,
            Message = $"{copy} cannot be made: what is read stays other than what was sealed. {body.Message} The snapshot has no "
                + $"second copy there. Look at the memory of node {body.From} first, then of {body.Node}.",
        });
    }

    private static bool Told(RunState state, Attempt attempt, Func<Incident, bool> matches) =>
        state.Incidents.Kept.Any(incident => incident.Attempt == attempt && matches(incident));

    private static string? OneCard(IReadOnlyList<RankActivity> ranks) => ranks.Count == 1 ? ranks[0].Card : null;

    private static string CardText(string? card) => card is null ? "" : $" (card {card})";

    private static Decision<Acknowledged> Raise(
        RunState state, IncidentKind kind, Attempt attempt, DateTimeOffset now, Func<Incident, Incident> fill)
    {
        var draft = fill(new IncidentDrafts(state.Incidents, now).Raise(kind, attempt, null, [], ""));
        return Decision<Acknowledged>.Accept(
            Acknowledged.Instance, new FailureDetected { At = now, Kind = kind, Incidents = [draft] });
    }
}
