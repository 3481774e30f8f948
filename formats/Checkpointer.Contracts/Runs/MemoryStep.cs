using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>One step as live agents hold it in memory.</summary>
public sealed record MemoryStep
{
    /// <summary>The step and the attempt that captured it.</summary>
    public required CheckpointId Checkpoint { get; init; }

    /// <summary>Number of ranks of its world.</summary>
    public required int WorldSize { get; init; }

    /// <summary>How many ranks' images have a live holder.</summary>
    public required int HeldRanks { get; init; }

    /// <summary>Whether all have: the run could resume from it with no object storage.</summary>
    public required bool Complete { get; init; }

    /// <summary>Whether it would be complete still if any one node were lost (or nobody has a peer).</summary>
    public required bool Protected { get; init; }

    /// <summary>Nodes that hold the image, by rank, each list in order; empty for a rank without a live holder.</summary>
    public required IReadOnlyList<IReadOnlyList<string>> Holders { get; init; }
}
