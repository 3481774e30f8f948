using Checkpointer.FaultProxy.Wire;

namespace Checkpointer.FaultProxy.Faults;

/// <summary>
/// Which request suffers what: the same for the same seed and the same order of requests. Safe for concurrent use.
/// </summary>
public sealed class FaultPlan
{
    private readonly Func<RequestHead, FaultCounts, Fault?> _decide;
    private readonly Lock _gate = new();

    private FaultPlan(Func<RequestHead, FaultCounts, Fault?> decide) => _decide = decide;

    /// <summary>Everything passes.</summary>
    public static FaultPlan None { get; } = new((_, _) => null);

    /// <summary>Each request suffers, with probability <paramref name="rate"/>, one of those kinds that fit it.</summary>
    public static FaultPlan Seeded(int seed, double rate, params IEnumerable<FaultKind> kinds) =>
        Draw(seed, rate, [.. kinds], (_, _) => true);

    /// <summary>As <see cref="Seeded"/>, but each kind only until it was injected <paramref name="times"/> times.</summary>
    public static FaultPlan Limited(int seed, double rate, int times, params IEnumerable<FaultKind> kinds) =>
        Draw(seed, rate, [.. kinds], (kind, counts) => counts.OfOrUnderWay(kind) < times);

    /// <summary>The kinds given, one for each request in order, null for none; afterwards everything passes.</summary>
    public static FaultPlan Script(params IEnumerable<FaultKind?> kinds)
    {
        var left = new Queue<FaultKind?>(kinds);
        return new FaultPlan((_, _) => left.TryDequeue(out var kind) && kind is { } some ? new Fault(some, 0.5) : null);
    }

    /// <summary>This plan for requests of one method and with <paramref name="keyPart"/> in their path; null is any. The others pass.</summary>
    public FaultPlan For(string? method = null, string? keyPart = null) => new((request, counts) =>
        (method is null || request.Method == method)
        && (keyPart is null || request.Path.Contains(keyPart, StringComparison.Ordinal))
            ? _decide(request, counts)
            : null);

    /// <summary>What a request is to suffer. A fault has begun in the counts, and the caller ends it there.</summary>
    internal Fault? Decide(RequestHead request, FaultCounts counts)
    {
        lock (_gate)
        {
            var fault = _decide(request, counts);
            if (fault is not null)
            {
                counts.Begin(fault);
            }

            return fault;
        }
    }

    private static FaultPlan Draw(int seed, double rate, FaultKind[] kinds, Func<FaultKind, FaultCounts, bool> goesOn)
    {
        var random = new Random(seed);
        return new FaultPlan((request, counts) =>
        {
            // All three are always drawn, so that a change of the rate does not shift the rest of the sequence.
            var (hit, which, place) = (random.NextDouble() < rate, random.NextDouble(), random.NextDouble());
            FaultKind[] fit = hit ? [.. kinds.Where(kind => FaultKinds.Fits(kind, request) && goesOn(kind, counts))] : [];
            return fit.Length == 0 ? null : new Fault(fit[(int)(which * fit.Length)], place);
        });
    }
}
