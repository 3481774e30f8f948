using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Events;
using Checkpointer.Service.Runs.Incidents;

namespace Checkpointer.Service.Runs.Joining;

/// <summary>What a join through an agent with another store comes to.</summary>
internal static class StoreDecisions
{
    public static Decision<JoinResult> DecideMismatch(RunState state, JoinRun body, string explanation, DateTimeOffset now)
    {
        if (JoinRequestChecks.Check(body) is { } malformed)
        {
            return Decision<JoinResult>.Refuse(malformed);
        }

        var message = $"Rank {body.Rank} was not let in. {explanation}";
        var told = state.Incidents.Kept.Any(
            incident => incident.Kind == IncidentKind.StoreMismatch && incident.Message.EndsWith(explanation, StringComparison.Ordinal));
        return told || state.CurrentAttempt is not { } attempt
            ? Decision<JoinResult>.Refuse(ErrorCode.StoreMismatch, message)
            : Decision<JoinResult>.Refuse(
                ErrorCode.StoreMismatch,
                message,
                new StoreMismatched
                {
                    At = now,
                    Node = body.Agent.Node,
                    Incidents =
                    [
                        new IncidentDrafts(state.Incidents, now).Raise(
                            IncidentKind.StoreMismatch, attempt, null, [body.Rank], message),
                    ],
                });
    }
}
