using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Agents;

/// <summary>A rank whose trainer is connected to its agent, as of a heartbeat.</summary>
public sealed record RankActivity
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>The rank's attempt.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>The rank.</summary>
    public required Rank Rank { get; init; }

    /// <summary>Its accelerator card, as the trainer named it, up to 128 characters; null if it has or tells none.</summary>
    public string? Card { get; init; }

    /// <summary>The newest step that it says it completed or saved; null if it said none in this attempt.</summary>
    public Step? LastStep { get; init; }

    /// <summary>How long ago its process last gave a sign of life (it does every second), in milliseconds.</summary>
    public required double SilentMs { get; init; }
}
