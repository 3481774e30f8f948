namespace Checkpointer.Simulation.Reporting;

/// <summary>What the command line asks for.</summary>
internal sealed record CampaignOptions
{
    public required int Seeds { get; init; }

    public required int Start { get; init; }

    public required int Events { get; init; }

    public required int Jobs { get; init; }

    public string? Report { get; init; }

    public bool Regressions { get; init; }

    public int Twice { get; init; }

    public IReadOnlyList<string> Masked { get; init; } = [];

    public int? MaxFaults { get; init; }

    public bool Trace { get; init; }

    public bool Shrink { get; init; }

    /// <summary>Whether no more seeds run after one has failed.</summary>
    public bool Stop { get; init; }

    public SeedOptions Of(int seed, int? events = null) => new()
    {
        Seed = seed,
        Events = events ?? Events,
        Masked = Masked,
        MaxFaults = MaxFaults,
        Trace = Trace,
    };
}
