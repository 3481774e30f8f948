using Checkpointer.Contracts.Agents;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>
/// <c>POST /v1/runs/{run}/join</c>, agent to service: one rank of an incarnation has come up on this node. Idempotent;
/// repeated until <see cref="JoinResult.State"/> is granted.
/// </summary>
public sealed record JoinRun
{
    /// <summary>What all ranks of one rendezvous share and no other has: 1 to 128 of letters, digits, '.', '_', '-', ':'.</summary>
    public required string Incarnation { get; init; }

    /// <summary>The rank that joins.</summary>
    public required Rank Rank { get; init; }

    /// <summary>Number of ranks in this incarnation, 1 to 1,000,000.</summary>
    public required int WorldSize { get; init; }

    /// <summary>The agent through which it joins, with what that agent holds in memory of this run right now.</summary>
    public required AgentPresence Agent { get; init; }

    /// <summary>How long the service may hold the call while ranks are missing, in milliseconds, 0 to 30,000.</summary>
    public int WaitMs { get; init; }
}
