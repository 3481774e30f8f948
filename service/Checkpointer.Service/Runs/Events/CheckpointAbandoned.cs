using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Events;

/// <summary>A checkpoint will never be committed: it missed its deadline, or its shards make no whole model.</summary>
internal sealed record CheckpointAbandoned : RunEvent
{
    /// <summary>The checkpoint.</summary>
    public required CheckpointId Checkpoint { get; init; }

    /// <summary>Why, for people.</summary>
    public required string Reason { get; init; }

    /// <summary>Whether all its shards were there but make no whole model; otherwise some never came.</summary>
    public required bool Incoherent { get; init; }

    /// <summary>The ranks to blame; at most <see cref="RunLimits.MaxNamedRanks"/>.</summary>
    public required IReadOnlyList<Rank> Ranks { get; init; }
}
