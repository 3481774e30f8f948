namespace Checkpointer.Chaos.Judging;

/// <summary>What a campaign came to, as <c>--report</c> writes it.</summary>
internal sealed record ChaosReport
{
    /// <summary>The seed.</summary>
    public required int Seed { get; init; }

    /// <summary>The kind of store.</summary>
    public required string Store { get; init; }

    /// <summary>How agents could be cut off from each other, or why not.</summary>
    public required string Network { get; init; }

    /// <summary>Requests to the store that a proxy spoiled meanwhile.</summary>
    public required long SpoiledRequests { get; init; }

    /// <summary>Jobs that were run, the undisturbed one left out.</summary>
    public required int Jobs { get; init; }

    /// <summary>Steps of each job.</summary>
    public required int Steps { get; init; }

    /// <summary>Strikes that were seen to hit.</summary>
    public required int Kills { get; init; }

    /// <summary>Failures that only led up to a strike during a recovery; they are in no other count.</summary>
    public required int EarlierFailures { get; init; }

    /// <summary>Strikes after which the job trained and committed anew.</summary>
    public required int Recovered { get; init; }

    /// <summary>Strikes whose job is, bit for bit, the undisturbed one.</summary>
    public required int Exact { get; init; }

    /// <summary>What is not as it must be, for people.</summary>
    public required IReadOnlyList<string> Failures { get; init; }

    /// <summary>Hits by what was done.</summary>
    public required IReadOnlyDictionary<string, int> ByForce { get; init; }

    /// <summary>Hits by target.</summary>
    public required IReadOnlyDictionary<string, int> ByTarget { get; init; }

    /// <summary>Hits by phase.</summary>
    public required IReadOnlyDictionary<string, int> ByPhase { get; init; }

    /// <summary>From a strike to the first step that the run had not trained before.</summary>
    public required Percentiles Seconds { get; init; }
}

/// <summary>Some percentiles.</summary>
internal sealed record Percentiles(double P50, double P99)
{
    /// <summary>Of <paramref name="values"/>, by nearest rank; 0 if there are none.</summary>
    public static Percentiles Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        double At(double share) => sorted.Count == 0 ? 0 : sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Count) - 1)];
        return new Percentiles(Math.Round(At(0.5), 3), Math.Round(At(0.99), 3));
    }
}
