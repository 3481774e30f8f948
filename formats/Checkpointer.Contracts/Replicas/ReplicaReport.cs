using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Replicas;

/// <summary>
/// <c>POST /v1/runs/{run}/replicas</c>, agent to service: it has a verified copy of another node's image in its memory. Kept
/// in the service's memory only: heartbeats say the same again. Idempotent; a stale attempt's is refused.
/// </summary>
public sealed record ReplicaReport
{
    /// <summary>The attempt that the copy was made in.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>What it is a copy of.</summary>
    public required CheckpointId Checkpoint { get; init; }

    /// <summary>The rank whose image it is.</summary>
    public required Rank Rank { get; init; }

    /// <summary>The node that holds the copy.</summary>
    public required string Node { get; init; }

    /// <summary>The image as copied; another root than the one that was sealed is refused with <c>checkpoint_conflict</c>.</summary>
    public required SealedImage Image { get; init; }
}
