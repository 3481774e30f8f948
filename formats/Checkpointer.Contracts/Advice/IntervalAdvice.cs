using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Advice;

/// <summary><c>GET /v1/runs/{run}/advice</c>: how often to take snapshots, from what was measured in the run.</summary>
public sealed record IntervalAdvice
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>What was measured.</summary>
    public required AdviceMeasurements Measured { get; init; }

    /// <summary>Between two snapshots in memory (those that become checkpoints are such too).</summary>
    public required IntervalRecommendation Memory { get; init; }

    /// <summary>Between two checkpoints in object storage.</summary>
    public required IntervalRecommendation Durable { get; init; }
}
