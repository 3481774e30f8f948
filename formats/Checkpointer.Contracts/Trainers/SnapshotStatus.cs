using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Trainers;

/// <summary>
/// Where a snapshot stands: the answer to seal and to
/// <c>GET /v1/runs/{run}/ranks/{rank}/snapshots/{step}?attempt=N&amp;until=STATE&amp;wait_ms=MS</c>, which holds the
/// call until the state is reached, a final state is, or the time (0 to 30,000 ms) is up.
/// </summary>
public sealed record SnapshotStatus
{
    /// <summary>The snapshot.</summary>
    public required CheckpointId Checkpoint { get; init; }

    /// <summary>Where it stands.</summary>
    public required SnapshotState State { get; init; }

    /// <summary>Root hash, once sealed.</summary>
    public string? Root { get; init; }

    /// <summary>What went wrong, if it failed.</summary>
    public ErrorCode? Error { get; init; }

    /// <summary>The same for people.</summary>
    public string? Message { get; init; }
}
