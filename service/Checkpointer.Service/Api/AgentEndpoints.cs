using Checkpointer.Contracts.Agents;
using Checkpointer.Service.Agents;
using Checkpointer.Service.Coordination;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Checkpointer.Service.Api;

/// <summary>Heartbeats of agents.</summary>
internal static class AgentEndpoints
{
    public static void MapAgents(this IEndpointRouteBuilder routes) =>
        _ = routes.MapPost("/v1/agents/heartbeat", HeartbeatAsync)
            .WithTags("agents").WithSummary("An agent lives and holds these images; the answer says how their runs stand.");

    private static async Task<Ok<HeartbeatResult>> HeartbeatAsync(
        AgentPresence body, AgentRegistry agents, RunHost host, CancellationToken cancellationToken)
    {
        agents.See(body);
        var runs = new List<RunProgress>();
        foreach (var run in body.Holdings.Select(holding => holding.Run).Distinct())
        {
            // A run that is unknown or not granted yet has no progress to tell; the images stay where they are.
            if (await host.TryReadAsync(run, static state => state.Progress, cancellationToken) is (true, { } progress))
            {
                runs.Add(progress);
            }
        }

        return TypedResults.Ok(new HeartbeatResult { Runs = runs });
    }
}
