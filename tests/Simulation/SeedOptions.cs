namespace Checkpointer.Simulation;

/// <summary>One course to run: all of it follows from these.</summary>
internal sealed record SeedOptions
{
    public required int Seed { get; init; }

    /// <summary>Events before faults stop and the world has to recover.</summary>
    public required int Events { get; init; }

    /// <summary>Kinds of faults that are left out.</summary>
    public IReadOnlyList<string> Masked { get; init; } = [];

    /// <summary>Only so many of the remaining faults happen, the first ones; null: all.</summary>
    public int? MaxFaults { get; init; }

    /// <summary>Whether each line of the course is printed as it happens.</summary>
    public bool Trace { get; init; }
}
