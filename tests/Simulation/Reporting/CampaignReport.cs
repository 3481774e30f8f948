namespace Checkpointer.Simulation.Reporting;

/// <summary>What a campaign came to.</summary>
internal sealed record CampaignReport
{
    public required int Seeds { get; init; }

    public required long Events { get; init; }

    public required double Seconds { get; init; }

    public required double EventsPerSecond { get; init; }

    public required double SimulatedHours { get; init; }

    /// <summary>All counts of all seeds, summed.</summary>
    public required IReadOnlyDictionary<string, long> Counts { get; init; }

    /// <summary>Seeds that failed.</summary>
    public required IReadOnlyList<SeedResult> Failures { get; init; }
}
