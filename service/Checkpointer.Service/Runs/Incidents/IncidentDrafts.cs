using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Incidents;

/// <summary>Numbers the incidents of one decision, on from those that the run has.</summary>
internal sealed class IncidentDrafts(IncidentLog log, DateTimeOffset now)
{
    private long _last = log.Total;

    /// <summary>The next incident; a message or list of ranks beyond its limit is cut.</summary>
    public Incident Raise(
        IncidentKind kind, Attempt attempt, Step? step, IEnumerable<Rank> ranks, string message) => new()
        {
            Number = ++_last,
            Kind = kind,
            At = now,
            Attempt = attempt,
            Step = step,
            Ranks = [.. ranks.Take(RunLimits.MaxNamedRanks)],
            Message = message.Length <= RunLimits.MaxIncidentLength
                ? message
                : string.Concat(message.AsSpan(0, RunLimits.MaxIncidentLength - 1), "…"),
        };
}
