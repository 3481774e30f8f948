using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>One attempt: an element of <c>GET /v1/runs/{run}/attempts</c>, and the record stored beside the checkpoints.</summary>
public sealed record AttemptSummary
{
    /// <summary>The attempt.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>When it was granted.</summary>
    public required DateTimeOffset GrantedAt { get; init; }

    /// <summary>The incarnation that it was granted to.</summary>
    public required string Incarnation { get; init; }

    /// <summary>Number of ranks.</summary>
    public required int WorldSize { get; init; }

    /// <summary>Node of each rank, by rank.</summary>
    public required IReadOnlyList<string> Nodes { get; init; }

    /// <summary>What it resumed from; null: from scratch.</summary>
    public CheckpointId? ResumedFrom { get; init; }

    /// <summary>Why that step.</summary>
    public required string Reason { get; init; }

    /// <summary>When its first rank joined.</summary>
    public required DateTimeOffset FirstJoinAt { get; init; }

    /// <summary>How each rank's restore went, as far as reported, by rank.</summary>
    public required IReadOnlyList<RestoreReport> Restores { get; init; }

    /// <summary>When a rollback fenced it; null if none did.</summary>
    public DateTimeOffset? FencedAt { get; init; }

    /// <summary>When its first step was reported; null if none yet.</summary>
    public DateTimeOffset? FirstStepAt { get; init; }
}
