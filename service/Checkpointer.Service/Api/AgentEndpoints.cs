using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Agents;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Recovery;
using Checkpointer.Service.Stores;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Checkpointer.Service.Api;

/// <summary>Agents: their heartbeats, and what is known of them.</summary>
internal static class AgentEndpoints
{
    public static void MapAgents(this IEndpointRouteBuilder routes)
    {
        _ = routes.MapGet("/v1/agents", List)
            .WithTags("agents").WithSummary("The agents that were heard of since the service started, by node, with the store of each.");
        _ = routes.MapPost("/v1/agents/heartbeat", HeartbeatAsync)
            .WithTags("agents").WithSummary("An agent lives and holds these images; the answer says how their runs stand.");
    }

    private static Ok<Page<AgentSummary>> List([AsParameters] PageQuery page, AgentRegistry agents, StoreGate gate) =>
        TypedResults.Ok(agents.List(page.After, page.CheckedLimit(), gate.Repository));

    private static async Task<Ok<HeartbeatResult>> HeartbeatAsync(
        AgentPresence body, AgentRegistry agents, MemoryTier memory, RunHost host, StoreGate gate, CancellationToken cancellationToken)
    {
        agents.See(body);
        memory.Hear(body);
        var runs = new List<RunProgress>();
        foreach (var run in body.Holdings.Select(holding => holding.Run).Concat(body.Runs ?? []).Distinct())
        {
            // A run that is unknown or not granted yet has no progress to tell; the images stay where they are.
            if (await host.TryReadAsync(run, state => memory.Progress(state, body.Node), cancellationToken) is (true, { } progress))
            {
                runs.Add(progress);
            }
        }

        return TypedResults.Ok(new HeartbeatResult { Runs = runs, Repository = gate.Repository });
    }
}
