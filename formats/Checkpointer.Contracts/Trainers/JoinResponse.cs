using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Trainers;

/// <summary>The answer to <see cref="JoinRequest"/>. The plan itself stays with the agent, which carries it out.</summary>
public sealed record JoinResponse
{
    /// <summary>Call again while pending.</summary>
    public required JoinState State { get; init; }

    /// <summary>Ranks that have joined so far.</summary>
    public required int JoinedRanks { get; init; }

    /// <summary>The granted attempt; null while pending.</summary>
    public Attempt? Attempt { get; init; }

    /// <summary>What all ranks are to restore; null: start from scratch (or pending).</summary>
    public CheckpointId? ResumeFrom { get; init; }

    /// <summary>The agent's name for its node.</summary>
    public required string Node { get; init; }

    /// <summary>Differs each time the agent starts.</summary>
    public required string AgentInstance { get; init; }
}
