using Checkpointer.Contracts.Agents;

namespace Checkpointer.Service.Stores;

/// <summary>Whether an agent's store is the service's. Two names may lead to one repository; its id tells.</summary>
internal static class StoreMatch
{
    /// <summary>Null while either side does not know its repository.</summary>
    public static bool? Matches(AgentStore? agents, string? repository) => (agents, repository) switch
    {
        (null, _) or (_, null) => null,
        ({ Repository: { } theirs }, _) => theirs == repository,
        ({ Reachable: true }, _) => false,
        _ => null,
    };

    /// <summary>What is wrong, with both stores named, and what to do.</summary>
    public static string Explain(string node, AgentStore agents, string store, string repository) =>
        $"The agent of node {node} uses {agents.Description}, "
        + (agents.Repository is { } theirs ? $"which is repository {theirs}" : "which has no repository")
        + $"; the service uses {store}, which is repository {repository}. What the one stores the other would never find. "
        + "Start the agent with the service's store (the same bucket and prefix, or the same folder mounted on both).";
}
