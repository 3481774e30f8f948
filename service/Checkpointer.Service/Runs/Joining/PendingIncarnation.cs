using System.Collections.Immutable;

namespace Checkpointer.Service.Runs.Joining;

/// <summary>An incarnation that waits for ranks. Never changes; a join makes a new one.</summary>
internal sealed record PendingIncarnation
{
    /// <summary>Its name.</summary>
    public required string Incarnation { get; init; }

    /// <summary>Number of its ranks.</summary>
    public required int WorldSize { get; init; }

    /// <summary>When its first rank joined.</summary>
    public required DateTimeOffset FirstJoinAt { get; init; }

    /// <summary>Node of each rank that has joined.</summary>
    public ImmutableSortedDictionary<int, string> Ranks { get; init; } = ImmutableSortedDictionary<int, string>.Empty;

    /// <summary>What the agent of each node said last, by node in ordinal order.</summary>
    public ImmutableSortedDictionary<string, AgentHoldings> Agents { get; init; } = NoAgents;

    /// <summary>Whether every rank has joined.</summary>
    public bool IsComplete() => Ranks.Count == WorldSize;

    /// <summary>No agents, in ordinal order.</summary>
    internal static ImmutableSortedDictionary<string, AgentHoldings> NoAgents { get; } =
        ImmutableSortedDictionary.Create<string, AgentHoldings>(StringComparer.Ordinal);

    /// <summary>The same with one rank's join.</summary>
    public PendingIncarnation With(int rank, AgentHoldings agent) => this with
    {
        Ranks = Ranks.SetItem(rank, agent.Node),
        Agents = Agents.SetItem(agent.Node, agent),
    };
}
