using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>
/// <c>POST /v1/runs/{run}/restores</c>, agent to service: how one rank's restore went. Held until
/// every rank of the attempt has restored, and repeated while <see cref="RestoreResult.State"/> is pending. Idempotent per
/// rank and plan.
/// </summary>
public sealed record RestoreReport
{
    /// <summary>The attempt that restores.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>The rank that restored.</summary>
    public required Rank Rank { get; init; }

    /// <summary>Its node.</summary>
    public required string Node { get; init; }

    /// <summary>What was restored.</summary>
    public required CheckpointId Checkpoint { get; init; }

    /// <summary>Whether the state was rebuilt and verified.</summary>
    public required bool Succeeded { get; init; }

    /// <summary><see cref="RecoveryPlan.Number"/> of the plan that it carried out; null: the first.</summary>
    public int? Plan { get; init; }

    /// <summary>
    /// Whether what failed is the plan itself: no source of some bytes is left, so that no rank can resume from it. False if
    /// the rank failed for a reason of its own, such as a layout that does not fit; another plan would not mend that.
    /// </summary>
    public bool? NoSourceLeft { get; init; }

    /// <summary>How long the service may hold the call while ranks are restoring, in milliseconds, 0 to 30,000; null: not at all.</summary>
    public int? WaitMs { get; init; }

    /// <summary>Bytes that were already in this node's memory.</summary>
    public required long LocalMemoryBytes { get; init; }

    /// <summary>Bytes read from other agents' memory.</summary>
    public required long PeerMemoryBytes { get; init; }

    /// <summary>Bytes read from object storage.</summary>
    public required long StorageBytes { get; init; }

    /// <summary>Time to rebuild and verify the image, in milliseconds.</summary>
    public required double RestoreMs { get; init; }

    /// <summary>Copies that were of no use, and other failures; empty when all went well.</summary>
    public required IReadOnlyList<CopyFault> Faults { get; init; }
}
