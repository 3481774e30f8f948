namespace Checkpointer.Contracts.Advice;

/// <summary>One interval: what is recommended, what is done now, and what each costs.</summary>
public sealed record IntervalRecommendation
{
    /// <summary>Steps between two, at least 1.</summary>
    public required long Steps { get; init; }

    /// <summary>The same as time.</summary>
    public required double Seconds { get; init; }

    /// <summary>Share of the run's time that it costs to expect: being held by saves, and steps that failures undo.</summary>
    public required double Cost { get; init; }

    /// <summary>Steps between two now; null if fewer than two were seen.</summary>
    public long? PresentSteps { get; init; }

    /// <summary>What that costs.</summary>
    public double? PresentCost { get; init; }

    /// <summary>Why, for people.</summary>
    public required string Reason { get; init; }
}
