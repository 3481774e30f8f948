using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>
/// <c>POST /v1/runs/{run}/reports</c>, agent to service, for rank 0: completed steps in rising order. A repeat with
/// equal values changes nothing; with other values it is <c>step_repeated</c>. At most 1,024 reports.
/// </summary>
public sealed record ReportSteps
{
    /// <summary>The writer's attempt.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>The steps, in rising order.</summary>
    public required IReadOnlyList<StepReport> Reports { get; init; }
}
