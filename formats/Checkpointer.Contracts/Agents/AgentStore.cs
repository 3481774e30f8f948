namespace Checkpointer.Contracts.Agents;

/// <summary>The object store that an agent was told to use, and what it last found there.</summary>
public sealed record AgentStore
{
    /// <summary>What the store is and where, for people; holds no secret. Up to 1,024 characters.</summary>
    public required string Description { get; init; }

    /// <summary>Whether it answered when the agent last looked.</summary>
    public required bool Reachable { get; init; }

    /// <summary>
    /// The id in its <c>repository.json</c>, up to 64 characters; null if none was ever seen there. Null although it is
    /// reachable means that it has none.
    /// </summary>
    public string? Repository { get; init; }
}
