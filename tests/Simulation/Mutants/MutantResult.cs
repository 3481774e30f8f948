namespace Checkpointer.Simulation.Mutants;

/// <summary>What became of one mutant.</summary>
internal sealed record MutantResult
{
    public required string Name { get; init; }

    public required string Breaks { get; init; }

    /// <summary>Seeds that ran, the one that caught it included.</summary>
    public required int Seeds { get; init; }

    /// <summary>Events that ran in all of them.</summary>
    public required long Events { get; init; }

    public required double Seconds { get; init; }

    /// <summary>The invariant that caught it; null if none did.</summary>
    public string? Rule { get; init; }

    public string? Message { get; init; }
}
