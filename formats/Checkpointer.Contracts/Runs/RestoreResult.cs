using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>The answer to <see cref="RestoreReport"/>: no rank trains before all have restored the same step.</summary>
public sealed record RestoreResult
{
    /// <summary>Whether all ranks have restored.</summary>
    public required RestoreState State { get; init; }

    /// <summary>How many ranks have restored by the current plan.</summary>
    public required int RestoredRanks { get; init; }

    /// <summary>The ranks that have not, the first 64; empty unless pending.</summary>
    public required IReadOnlyList<Rank> WaitingFor { get; init; }

    /// <summary>The plan that holds now; null unless replaced.</summary>
    public RecoveryPlan? Plan { get; init; }

    /// <summary>Why no plan is left, for people; null unless impossible.</summary>
    public string? Reason { get; init; }
}
