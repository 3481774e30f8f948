namespace Checkpointer.Contracts.Agents;

/// <summary>An agent as the service last heard of it (<c>GET /v1/agents</c>).</summary>
public sealed record AgentSummary
{
    /// <summary>The node's name.</summary>
    public required string Node { get; init; }

    /// <summary>Which start of its agent.</summary>
    public required string Instance { get; init; }

    /// <summary>Base address at which other agents reach it.</summary>
    public required string Address { get; init; }

    /// <summary>How long ago it said something, in seconds.</summary>
    public required double SilentSeconds { get; init; }

    /// <summary>Whether that is short enough to count as alive.</summary>
    public required bool Alive { get; init; }

    /// <summary>Images that it said it holds.</summary>
    public required int Holdings { get; init; }

    /// <summary>Its store; null if it is too old to tell.</summary>
    public AgentStore? Store { get; init; }

    /// <summary>Whether its store is the service's repository; null while either is not known.</summary>
    public bool? StoreMatches { get; init; }
}
