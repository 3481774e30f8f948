using Checkpointer.Formats.Errors;
using Checkpointer.Service.Runs.Events;

namespace Checkpointer.Service.Runs.Joining;

/// <summary>Where ranks of a new incarnation wait until all are there.</summary>
internal sealed class JoinBarrier
{
    private readonly Queue<string> _past = [];
    private readonly HashSet<string> _pastSet = new(StringComparer.Ordinal);

    /// <summary>The incarnation that waits; null if none.</summary>
    public PendingIncarnation? Pending { get; private set; }

    /// <summary>Incarnations that a newer one replaced, oldest first; the newest <see cref="RunLimits.MaxPastIncarnations"/>.</summary>
    public IReadOnlyCollection<string> Past => _past;

    /// <summary>Whether <paramref name="incarnation"/> was replaced by a newer one.</summary>
    public bool IsPast(string incarnation) => _pastSet.Contains(incarnation);

    /// <summary>Takes the barrier that <see cref="Pending"/> and <see cref="Past"/> were read from.</summary>
    public void Load(PendingIncarnation? pending, IEnumerable<string> past)
    {
        // A dictionary that was read has the default order.
        Pending = pending is null ? null : pending with { Agents = PendingIncarnation.NoAgents.AddRange(pending.Agents) };
        foreach (var incarnation in past)
        {
            Retire(incarnation);
        }
    }

    /// <summary>The pending incarnation as it is after <paramref name="joined"/>.</summary>
    public PendingIncarnation After(RankJoined joined)
    {
        var pending = Pending?.Incarnation == joined.Incarnation
            ? Pending
            : new PendingIncarnation
            {
                Incarnation = joined.Incarnation,
                WorldSize = joined.WorldSize,
                FirstJoinAt = joined.At,
            };
        return pending.With(joined.Rank.Value, new AgentHoldings
        {
            Node = joined.Node,
            Instance = joined.Instance,
            Address = joined.Address,
            Images = joined.Holdings ?? pending.Agents[joined.Node].Images,
        });
    }

    /// <summary>Lets a rank in.</summary>
    public void Join(RankJoined joined)
    {
        var pending = After(joined);
        Invariant.Holds(pending.WorldSize == joined.WorldSize && joined.Rank.Value < joined.WorldSize);
        if (Pending is { } replaced && replaced.Incarnation != joined.Incarnation)
        {
            Retire(replaced.Incarnation);
        }

        Pending = pending;
    }

    /// <summary>Empties the barrier for a grant; the incarnation of the attempt before is past from now on.</summary>
    public PendingIncarnation Open(string? formerIncarnation)
    {
        Invariant.Holds(Pending is { } complete && complete.IsComplete());
        var granted = Pending;
        Pending = null;
        if (formerIncarnation is not null)
        {
            Retire(formerIncarnation);
        }

        return granted;
    }

    private void Retire(string incarnation)
    {
        if (!_pastSet.Add(incarnation))
        {
            return;
        }

        _past.Enqueue(incarnation);
        if (_past.Count > RunLimits.MaxPastIncarnations)
        {
            _pastSet.Remove(_past.Dequeue());
        }
    }
}
