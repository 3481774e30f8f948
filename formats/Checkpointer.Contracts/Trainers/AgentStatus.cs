namespace Checkpointer.Contracts.Trainers;

/// <summary><c>GET /v1/agent</c>: the agent at a glance.</summary>
public sealed record AgentStatus
{
    /// <summary>The node's name.</summary>
    public required string Node { get; init; }

    /// <summary>Differs each time the agent starts.</summary>
    public required string Instance { get; init; }

    /// <summary>Memory that arenas may take, in bytes.</summary>
    public required long MemoryBudgetBytes { get; init; }

    /// <summary>Memory that arenas take, in bytes.</summary>
    public required long MemoryUsedBytes { get; init; }

    /// <summary>Whether the last call to the service succeeded.</summary>
    public required bool ServiceReachable { get; init; }

    /// <summary>Drains that wait or run.</summary>
    public required int PendingDrains { get; init; }

    /// <summary>Sealed images held.</summary>
    public required IReadOnlyList<Agents.Holding> Holdings { get; init; }
}
