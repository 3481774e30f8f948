using System.Collections.Immutable;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Lineage;

/// <summary>What is kept of one attempt. Never changes; a later fact makes a new record.</summary>
internal sealed record AttemptRecord
{
    /// <summary>The attempt.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>When it was granted.</summary>
    public required DateTimeOffset GrantedAt { get; init; }

    /// <summary>When its first rank joined.</summary>
    public required DateTimeOffset FirstJoinAt { get; init; }

    /// <summary>The incarnation that it was granted to.</summary>
    public required string Incarnation { get; init; }

    /// <summary>Number of ranks.</summary>
    public required int WorldSize { get; init; }

    /// <summary>What it resumed from; null: from scratch.</summary>
    public CheckpointId? ResumedFrom { get; init; }

    /// <summary>Why that.</summary>
    public required string Reason { get; init; }

    /// <summary>Node of each rank; empty once it is not among the newest <see cref="RunLimits.MaxDetailedAttempts"/>.</summary>
    public required ImmutableArray<string> Nodes { get; init; }

    /// <summary>Restores by rank; emptied together with <see cref="Nodes"/>.</summary>
    public required ImmutableSortedDictionary<int, RestoreReport> Restores { get; init; }

    /// <summary>When its first step was recorded; null if none yet.</summary>
    public DateTimeOffset? FirstStepAt { get; init; }

    /// <summary>When a rollback fenced it; null if none did.</summary>
    public DateTimeOffset? FencedAt { get; init; }

    /// <summary>Whether a replayed step diverged, which is told once an attempt.</summary>
    public bool Diverged { get; init; }

    /// <summary>The same for readers.</summary>
    public AttemptSummary Summarise() => new()
    {
        Attempt = Attempt,
        GrantedAt = GrantedAt,
        Incarnation = Incarnation,
        WorldSize = WorldSize,
        Nodes = Nodes,
        ResumedFrom = ResumedFrom,
        Reason = Reason,
        FirstJoinAt = FirstJoinAt,
        Restores = [.. Restores.Values],
        FencedAt = FencedAt,
        FirstStepAt = FirstStepAt,
    };
}
