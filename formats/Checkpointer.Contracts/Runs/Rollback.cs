using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>A decision to go back: an element of <c>GET /v1/runs/{run}/rollbacks</c>, oldest first, kept for good.</summary>
public sealed record Rollback
{
    /// <summary>Number within the run, from 1.</summary>
    public required long Number { get; init; }

    /// <summary>When it was decided.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>What was asked for.</summary>
    public required string To { get; init; }

    /// <summary>What that is.</summary>
    public required CheckpointId Target { get; init; }

    /// <summary>Who decided.</summary>
    public required string By { get; init; }

    /// <summary>Why; null if nobody said.</summary>
    public string? Comment { get; init; }

    /// <summary>The attempt that it fenced: nothing that it writes is taken any more.</summary>
    public required Attempt Fenced { get; init; }

    /// <summary>Newest step in the ledger of the lineage that is left; null if it has none.</summary>
    public Step? LedgerStep { get; init; }

    /// <summary>
    /// Checkpoints of the lineage that is left, newer than the target, by step: the newest 64. They stay listed, off the
    /// lineage.
    /// </summary>
    public required IReadOnlyList<CheckpointId> Leaves { get; init; }

    /// <summary>How many such there are.</summary>
    public required int LeavesCount { get; init; }

    /// <summary>The attempt that obeyed it; null while no incarnation has started since, or if a later rollback replaced it.</summary>
    public Attempt? Granted { get; init; }
}
