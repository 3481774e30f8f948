using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary><c>POST /v1/runs/{run}/restores</c>, agent to service: how one rank's restore went. Idempotent per rank and attempt.</summary>
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

    /// <summary>Bytes that were already in this node's memory.</summary>
    public required long LocalMemoryBytes { get; init; }

    /// <summary>Bytes read from other agents' memory.</summary>
    public required long PeerMemoryBytes { get; init; }

    /// <summary>Bytes read from object storage.</summary>
    public required long StorageBytes { get; init; }

    /// <summary>Time to rebuild and verify the image, in milliseconds.</summary>
    public required double RestoreMs { get; init; }

    /// <summary>Copies whose bytes did not hash to what was sealed, and failures, for people; empty when all went well.</summary>
    public required IReadOnlyList<string> Faults { get; init; }
}
