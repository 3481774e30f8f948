using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Rollbacks;

/// <summary>A run's rollbacks: numbered without gaps, the newest <see cref="RunLimits.MaxRollbacks"/> kept.</summary>
internal sealed class RollbackBook
{
    private readonly List<Rollback> _kept = [];

    /// <summary>How many there ever were: the number of the newest.</summary>
    public long Total { get; private set; }

    /// <summary>Those kept, oldest first.</summary>
    public IReadOnlyList<Rollback> Kept => _kept;

    /// <summary>
    /// The one that the next grant obeys; null if none. While there is one the current attempt is fenced. A later rollback
    /// replaces one that was not obeyed yet.
    /// </summary>
    public Rollback? Pending => _kept.Count > 0 && _kept[^1].Granted is null ? _kept[^1] : null;

    /// <summary>Takes the book that <see cref="Total"/> and <see cref="Kept"/> were read from.</summary>
    public void Load(long total, IEnumerable<Rollback> kept)
    {
        Total = total;
        _kept.AddRange(kept);
    }

    /// <summary>Adds a decision.</summary>
    public void Add(Rollback rollback)
    {
        Invariant.Holds(rollback.Number == Total + 1 && rollback.Granted is null);
        Total = rollback.Number;
        _kept.Add(rollback);
        if (_kept.Count > RunLimits.MaxRollbacks)
        {
            _kept.RemoveAt(0);
        }
    }

    /// <summary>The pending one, if any, is obeyed by <paramref name="granted"/>.</summary>
    public void Obey(Attempt granted)
    {
        if (Pending is { } pending)
        {
            Invariant.Holds(granted > pending.Fenced);
            _kept[^1] = pending with { Granted = granted };
        }
    }

    /// <summary>Up to <paramref name="limit"/> kept rollbacks with a number above <paramref name="after"/>, oldest first.</summary>
    public IReadOnlyList<Rollback> After(long after, int limit)
    {
        var first = (int)Math.Clamp(after - (Total - _kept.Count), 0, _kept.Count);
        return _kept.GetRange(first, Math.Min(limit, _kept.Count - first));
    }
}
