using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>One line of the ledger: an element of <c>GET /v1/runs/{run}/ledger</c>.</summary>
public sealed record LedgerEntry
{
    /// <summary>The attempt that ran the step.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>What the trainer said of it.</summary>
    public required StepReport Report { get; init; }

    /// <summary>When the service recorded it.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Whether the same step had been run before, by an earlier attempt, on the way that this lineage continues.</summary>
    public required bool Replayed { get; init; }

    /// <summary>Whether a replayed step's values differ from what they were before.</summary>
    public required bool Diverged { get; init; }
}
