namespace Checkpointer.Cli.Doctor;

/// <summary>A line of the report.</summary>
internal sealed record CheckResult
{
    /// <summary>What the check belongs to: <c>store</c>, <c>service</c>, …</summary>
    public required string Area { get; init; }

    /// <summary>Its name.</summary>
    public required string Check { get; init; }

    /// <summary>How it ended.</summary>
    public required CheckOutcome Outcome { get; init; }

    /// <summary>What was found.</summary>
    public required string Found { get; init; }

    /// <summary>How to mend it; null if nothing is to be mended.</summary>
    public string? Remedy { get; init; }
}
