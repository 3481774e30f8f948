using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>One checkpoint: an element of <c>GET /v1/runs/{run}/checkpoints</c> and the answer to <c>…/checkpoints/{step.attempt}</c>.</summary>
public sealed record CheckpointSummary
{
    /// <summary>Which.</summary>
    public required CheckpointId Checkpoint { get; init; }

    /// <summary>Where in its life.</summary>
    public required CheckpointState State { get; init; }

    /// <summary>Whether it is on the current lineage; a rollback leaves later ones behind.</summary>
    public required bool OnLineage { get; init; }

    /// <summary>When the first rank sealed or stored its shard.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When it was committed or abandoned; null while saving.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Number of ranks whose shard it needs.</summary>
    public required int WorldSize { get; init; }

    /// <summary>Number of ranks that have sealed it in memory.</summary>
    public required int SealedRanks { get; init; }

    /// <summary>Number of ranks whose shard is durable.</summary>
    public required int DurableShards { get; init; }

    /// <summary>Bytes of all images together.</summary>
    public required long ImageBytes { get; init; }

    /// <summary>Bytes that the shards refer to in storage.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>Whether a durable shard has NaN or infinite values.</summary>
    public bool NonFinite { get; init; }

    /// <summary>Why it was abandoned, and by whom; null otherwise.</summary>
    public string? Reason { get; init; }

    /// <summary>Ranks that are missing (while saving) or to blame (when abandoned). Up to 64.</summary>
    public required IReadOnlyList<Rank> MissingRanks { get; init; }

    /// <summary>Its newest verification; null if it was never verified.</summary>
    public Verification? Verification { get; init; }
}
