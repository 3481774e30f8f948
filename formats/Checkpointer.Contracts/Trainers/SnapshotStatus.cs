using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Trainers;

/// <summary>
/// Where a snapshot stands: the answer to seal, to
/// <c>GET /v1/runs/{run}/ranks/{rank}/snapshots/{step}?attempt=N&amp;until=STATE&amp;wait_ms=MS</c>, which holds the
/// call until the state is reached, a final state is, or the time (0 to 30,000 ms) is up, and to
/// <c>DELETE /v1/runs/{run}/ranks/{rank}/snapshots/{step}?attempt=N</c>, by which a trainer gives up a capture that failed,
/// so that the service gives the step up for all ranks at once. That changes nothing for a snapshot that is captured, or
/// was given up before; <c>snapshot_not_open</c> is one that was never begun. After it the trainer must not write to the
/// slot any more.
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
