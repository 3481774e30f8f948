using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>A run at a glance: an element of <c>GET /v1/runs</c> and the answer to <c>GET /v1/runs/{run}</c>.</summary>
public sealed record RunSummary
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>When its first rank joined.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The current attempt; null before the first was granted.</summary>
    public Attempt? Attempt { get; init; }

    /// <summary>Number of ranks of the current attempt; 0 before the first was granted.</summary>
    public required int WorldSize { get; init; }

    /// <summary>Newest step in the ledger of the current lineage; null if none.</summary>
    public Step? LedgerStep { get; init; }

    /// <summary>Newest snapshot of the current lineage that every rank sealed.</summary>
    public CheckpointId? GloballySealed { get; init; }

    /// <summary>Newest step of the current lineage that live agents hold all of in memory.</summary>
    public CheckpointId? RecoverableFromMemory { get; init; }

    /// <summary>Newest globally sealed step that outlives the loss of any one node.</summary>
    public CheckpointId? Protected { get; init; }

    /// <summary>Newest committed checkpoint of the current lineage.</summary>
    public CheckpointId? Committed { get; init; }

    /// <summary>Where a rollback sends the run that no incarnation has obeyed yet: the current attempt is fenced. Null: none.</summary>
    public CheckpointId? RollbackTo { get; init; }

    /// <summary>Number of committed checkpoints.</summary>
    public required int CommittedCheckpoints { get; init; }

    /// <summary>Number of incidents.</summary>
    public required long Incidents { get; init; }
}
