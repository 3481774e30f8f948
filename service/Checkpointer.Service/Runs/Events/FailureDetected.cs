using Checkpointer.Contracts.Runs;

namespace Checkpointer.Service.Runs.Events;

/// <summary>
/// A rank, an agent or a node failed or hangs, or a copy stays corrupt. Changes nothing but the incidents: detection fences
/// nothing.
/// </summary>
internal sealed record FailureDetected : RunEvent
{
    /// <summary>What failed; its incident tells the rest.</summary>
    public required IncidentKind Kind { get; init; }
}
