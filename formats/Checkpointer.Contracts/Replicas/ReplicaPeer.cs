namespace Checkpointer.Contracts.Replicas;

/// <summary>The agent that an agent's images are copied to.</summary>
public sealed record ReplicaPeer
{
    /// <summary>Its node, never the one that asks.</summary>
    public required string Node { get; init; }

    /// <summary>Base address at which other agents reach it.</summary>
    public required string Address { get; init; }
}
