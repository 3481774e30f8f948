using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Service.Runs.Incidents;

/// <summary>A run's incidents: numbered without gaps, the newest <see cref="RunLimits.MaxIncidents"/> kept.</summary>
internal sealed class IncidentLog
{
    private readonly List<Incident> _kept = [];

    /// <summary>How many there ever were: the number of the newest.</summary>
    public long Total { get; private set; }

    /// <summary>Those kept, oldest first.</summary>
    public IReadOnlyList<Incident> Kept => _kept;

    /// <summary>Takes the log that <see cref="Total"/> and <see cref="Kept"/> were read from.</summary>
    public void Load(long total, IReadOnlyList<Incident> kept)
    {
        Total = total;
        _kept.AddRange(kept);
    }

    /// <summary>Adds what an event raised.</summary>
    public void Append(IReadOnlyList<Incident> incidents)
    {
        foreach (var incident in incidents)
        {
            Invariant.Holds(incident.Number == Total + 1);
            Total = incident.Number;
            _kept.Add(incident);
        }

        if (_kept.Count > RunLimits.MaxIncidents)
        {
            _kept.RemoveRange(0, _kept.Count - RunLimits.MaxIncidents);
        }
    }

    /// <summary>Up to <paramref name="limit"/> kept incidents with a number above <paramref name="after"/>, oldest first.</summary>
    public IReadOnlyList<Incident> After(long after, int limit)
    {
        var first = (int)Math.Clamp(after - (Total - _kept.Count), 0, _kept.Count);
        return _kept.GetRange(first, Math.Min(limit, _kept.Count - first));
    }
}
