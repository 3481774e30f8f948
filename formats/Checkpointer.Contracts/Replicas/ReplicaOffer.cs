using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Replicas;

/// <summary>
/// <c>POST /v1/replicas/{run}/{rank}/{step.attempt}</c>, agent to agent: the sender holds that image and asks the other to copy
/// it (from the sender's <c>/v1/images</c>) into its own memory. Idempotent, and repeated until the copy is held: 200 then,
/// 202 before. Refused with <c>stale_attempt</c>, <c>memory_budget_exceeded</c> or <c>slot_busy</c>.
/// </summary>
public sealed record ReplicaOffer
{
    /// <summary>The run's present attempt; the image may be of the one that it resumed from.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>The node that offers.</summary>
    public required string Node { get; init; }

    /// <summary>Base address at which its agent serves images.</summary>
    public required string Address { get; init; }

    /// <summary>Number of ranks of the attempt that captured the image.</summary>
    public required int WorldSize { get; init; }

    /// <summary>The image: what the copy must hash to.</summary>
    public required SealedImage Image { get; init; }

    /// <summary>Chunk length in bytes; the same on all nodes of a run.</summary>
    public required int ChunkBytes { get; init; }

    /// <summary>How long the call may be held until the copy is whole, in milliseconds, 0 to 30,000.</summary>
    public int WaitMs { get; init; }
}
