using Checkpointer.Contracts.Runs;

namespace Checkpointer.Service.Runs.Events;

/// <summary>How one rank's restore went.</summary>
internal sealed record RestoreRecorded : RunEvent
{
    /// <summary>What its agent said.</summary>
    public required RestoreReport Report { get; init; }
}
