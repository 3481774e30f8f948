using System.Collections.Concurrent;

namespace Checkpointer.FaultProxy.Faults;

/// <summary>How often what happened. Safe for concurrent use.</summary>
public sealed class FaultCounts
{
    private readonly ConcurrentDictionary<FaultKind, int> _injected = new();
    private readonly ConcurrentDictionary<FaultKind, int> _underWay = new();
    private int _requests;
    private int _unreachable;

    /// <summary>Requests that came, with or without a fault.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>Requests, meant to pass, to which the server could not be reached or went away.</summary>
    public int Unreachable => Volatile.Read(ref _unreachable);

    /// <summary>How often <paramref name="kind"/> was injected: not decided, but done.</summary>
    public int Of(FaultKind kind) => _injected.GetValueOrDefault(kind);

    /// <summary>All kinds that were injected.</summary>
    public IReadOnlyDictionary<string, int> ByName() =>
        new SortedDictionary<string, int>(_injected.ToDictionary(pair => FaultKinds.Name(pair.Key), pair => pair.Value));

    /// <summary>How often <paramref name="kind"/> was injected, or is about to be.</summary>
    internal int OfOrUnderWay(FaultKind kind) => Of(kind) + _underWay.GetValueOrDefault(kind);

    /// <summary>A fault is decided; <see cref="End"/> follows, whether it could be injected or not.</summary>
    internal void Begin(FaultKind kind) => _underWay.AddOrUpdate(kind, 1, (_, count) => count + 1);

    internal void End(FaultKind kind) => _underWay.AddOrUpdate(kind, 0, (_, count) => count - 1);

    internal void AddRequest() => Interlocked.Increment(ref _requests);

    internal void AddUnreachable() => Interlocked.Increment(ref _unreachable);

    internal void Add(FaultKind kind) => _injected.AddOrUpdate(kind, 1, (_, count) => count + 1);
}
