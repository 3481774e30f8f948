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
            Message = message.Length <= RunLimits.MaxIncidentLength ? message : Cut(message),
        };

    // Never between the halves of a surrogate pair, which the journal could not keep.
    private static string Cut(string message)
    {
        var length = RunLimits.MaxIncidentLength - 1;
        return string.Concat(message.AsSpan(0, char.IsHighSurrogate(message[length - 1]) ? length - 1 : length), "…");
    }
}
