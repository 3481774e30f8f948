using System.Text.Json;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Trainers;

/// <summary>The answer to <see cref="RestoreRequest"/>.</summary>
public sealed record RestoreResponse
{
    /// <summary>False while the image is still being rebuilt.</summary>
    public required bool Done { get; init; }

    /// <summary>
    /// While not done: the ranks that all wait for, this one's own image being rebuilt, the first 64; empty while it is not.
    /// Null when done.
    /// </summary>
    public IReadOnlyList<Rank>? WaitingFor { get; init; }

    /// <summary>
    /// Number of the plan that was carried out: above 1 if a rank could not carry out the one that was granted, so that all
    /// resume from another step than the join said. Null unless done, or when the run starts from scratch.
    /// </summary>
    public int? Plan { get; init; }

    /// <summary>What was restored; null when the run starts from scratch (or not done).</summary>
    public CheckpointId? Checkpoint { get; init; }

    /// <summary>Where the verified image lies; the trainer copies out of it. Null as above.</summary>
    public SlotLocation? Slot { get; init; }

    /// <summary>What the trainer had passed to the seal, by the same rank (by rank 0 if the world grew).</summary>
    public JsonElement? Extra { get; init; }

    /// <summary>Bytes that were in this node's memory already.</summary>
    public long LocalMemoryBytes { get; init; }

    /// <summary>Bytes read from other agents' memory.</summary>
    public long PeerMemoryBytes { get; init; }

    /// <summary>Bytes read from object storage.</summary>
    public long StorageBytes { get; init; }
}
