namespace Checkpointer.FaultProxy.Faults;

/// <summary>How often what happened. Safe for concurrent use.</summary>
public sealed class FaultCounts
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<FaultKind, int> _injected = [];

    // Decided, and neither injected nor given up yet: each is in one of the two counts at any time, never in both.
    private readonly HashSet<Fault> _underWay = new(ReferenceEqualityComparer.Instance);
    private int _requests;
    private int _unreachable;

    /// <summary>Requests that came, with or without a fault.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>Requests, meant to pass, to which the server could not be reached or went away.</summary>
    public int Unreachable => Volatile.Read(ref _unreachable);

    /// <summary>How often <paramref name="kind"/> was injected: not decided, but done.</summary>
    public int Of(FaultKind kind)
    {
        lock (_gate)
        {
            return _injected.GetValueOrDefault(kind);
        }
    }

    /// <summary>All kinds that were injected.</summary>
    public IReadOnlyDictionary<string, int> ByName()
    {
        lock (_gate)
        {
            return new SortedDictionary<string, int>(_injected.ToDictionary(pair => FaultKinds.Name(pair.Key), pair => pair.Value));
        }
    }

    /// <summary>How often <paramref name="kind"/> was injected, or is about to be.</summary>
    internal int OfOrUnderWay(FaultKind kind)
    {
        lock (_gate)
        {
            return _injected.GetValueOrDefault(kind) + _underWay.Count(fault => fault.Kind == kind);
        }
    }

    /// <summary>A fault is decided; <see cref="End"/> follows, whether it could be injected or not.</summary>
    internal void Begin(Fault fault)
    {
        lock (_gate)
        {
            _underWay.Add(fault);
        }
    }

    internal void Add(Fault fault)
    {
        lock (_gate)
        {
            _underWay.Remove(fault);
            _injected[fault.Kind] = _injected.GetValueOrDefault(fault.Kind) + 1;
        }
    }

    internal void End(Fault fault)
    {
        lock (_gate)
        {
            _underWay.Remove(fault);
        }
    }

    internal void AddRequest() => Interlocked.Increment(ref _requests);

    internal void AddUnreachable() => Interlocked.Increment(ref _unreachable);
}
