using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Trainers;

/// <summary>
/// <c>POST /v1/runs/{run}/ranks/{rank}/reports</c>, trainer to agent: completed steps in rising order, at most 1,024.
/// The agent forwards rank 0's to the service in order, before anything that rank reports later.
/// </summary>
public sealed record ReportRequest
{
    /// <summary>The trainer's attempt.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>The steps.</summary>
    public required IReadOnlyList<StepReport> Reports { get; init; }
}
