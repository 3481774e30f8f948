namespace Checkpointer.Simulation;

/// <summary>What one course came to.</summary>
internal sealed record SeedResult
{
    public required int Seed { get; init; }

    public required int Events { get; init; }

    public required double SimulatedSeconds { get; init; }

    public required double RealSeconds { get; init; }

    /// <summary>Hash of the whole course: equal for the same seed wherever it runs.</summary>
    public required string Hash { get; init; }

    /// <summary>How often things happened, by name; faults begin with <c>fault </c>, states seen with <c>seen </c>.</summary>
    public required IReadOnlyDictionary<string, long> Counts { get; init; }

    /// <summary>The broken invariant; null if all held.</summary>
    public string? Rule { get; init; }

    public string? Message { get; init; }

    /// <summary>The end of the course, if it failed.</summary>
    public IReadOnlyList<string> LastLines { get; init; } = [];

    /// <summary>How many faults were planned and not masked.</summary>
    public int Faults { get; init; }
}
