namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>Whether an agent answers at the socket, what it says of itself, and whether the service knows it and its store.</summary>
internal sealed class AgentCheck : ICheck
{
    public async Task<IReadOnlyList<Finding>> RunAsync(Surroundings surroundings, CancellationToken cancellationToken)
    {
        var options = surroundings.Options;
        var (status, problem) = await surroundings.Agent.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (status is null)
        {
            return [Finding.Missing(
                options.SocketAskedFor,
                $"no agent at '{options.Socket}': {problem}",
                "Start it (checkpointer agent), or name its socket with --socket PATH.") with { Part = "answers" }];
        }

        var budget = $"{ByteSize.Show(status.MemoryUsedBytes)} of {ByteSize.Show(status.MemoryBudgetBytes)} in use";
        return
        [
            Finding.Ok($"node {status.Node}, {budget}, {status.Holdings.Count} images held, {status.PendingDrains} drains pending")
                with { Part = "answers" },
            (status.ServiceReachable
                ? Finding.Ok("it reaches the service")
                : Finding.Warning("it does not reach its service", "Check the agent's --service and the network between; its log says what it meets."))
                with { Part = "service" },
            await StoreAsync(surroundings, status.Node, cancellationToken).ConfigureAwait(false) with { Part = "store" },
        ];
    }

    private static async Task<Finding> StoreAsync(Surroundings surroundings, string node, CancellationToken cancellationToken)
    {
        var (agents, _, _) = await surroundings.Service.AgentsAsync(cancellationToken).ConfigureAwait(false);
        if (agents is null)
        {
            return Finding.Skipped("not known: the service was not reached");
        }

        return agents.Items.FirstOrDefault(agent => agent.Node == node) switch
        {
            null => Finding.Warning(
                $"the service does not know node {node}", "Give agent and doctor the same --service; a new agent is known within seconds."),
            { StoreMatches: false, Store: var store } => Finding.Failed(
                $"it is another than the service's: {store?.Description}", "Start agent and service with the same --store."),
            { Store: { Reachable: false } store } => Finding.Failed(
                $"the agent does not reach {store.Description}", "Make sure that the store can be reached from this node; the agent's log says what it meets."),
            { StoreMatches: true } => Finding.Ok("the service's own"),
            _ => Finding.Skipped("not known yet: agent or service have not seen their store's repository"),
        };
    }
}
