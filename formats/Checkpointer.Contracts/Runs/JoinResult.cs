using Checkpointer.Contracts.Replicas;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>The answer to <see cref="JoinRun"/>.</summary>
public sealed record JoinResult
{
    /// <summary>Whether the attempt is granted yet.</summary>
    public required JoinState State { get; init; }

    /// <summary>Ranks that have joined so far.</summary>
    public required int JoinedRanks { get; init; }

    /// <summary>The granted attempt; null while pending.</summary>
    public Attempt? Attempt { get; init; }

    /// <summary>The one plan for all ranks; null while pending.</summary>
    public RecoveryPlan? Plan { get; init; }

    /// <summary>Whereto the agent is to copy its ranks' images; null: nowhere, or pending.</summary>
    public ReplicaPeer? Peer { get; init; }
}
