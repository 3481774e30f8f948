using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Agents;

/// <summary>One sealed image in an agent's memory.</summary>
public sealed record Holding
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>The rank whose image it is.</summary>
    public required Rank Rank { get; init; }

    /// <summary>The step and attempt that captured it.</summary>
    public required CheckpointId Checkpoint { get; init; }

    /// <summary>The image.</summary>
    public required SealedImage Image { get; init; }
}
