using Checkpointer.Contracts.Runs;

namespace Checkpointer.Service.Runs.Events;

/// <summary>A rank, an agent or a node failed or hangs. Changes nothing but the incidents: detection fences nothing.</summary>
internal sealed record FailureDetected : RunEvent
{
    /// <summary>What failed; its incident tells the rest.</summary>
    public required IncidentKind Kind { get; init; }
}
