using Checkpointer.Agent.Api;
using Checkpointer.Agent.Hosting;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Replicas;
using Checkpointer.Formats.Identity;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Checkpointer.Agent.Replicating;

/// <summary>The route by which other agents offer their images. What it takes and answers is in Checkpointer.Contracts/Replicas.</summary>
internal static class ReplicaEndpoints
{
    // An offer names at most 16 tensors, of up to a few hundred bytes each.
    private const long MaxOfferBytes = 256 * 1024;

    /// <summary>Adds the route, for TCP only.</summary>
    public static void MapReplicas(this IEndpointRouteBuilder app) => app
        .MapPost(
            "/v1/replicas/{run}/{rank}/{checkpoint}",
            async (RunId run, Rank rank, CheckpointId checkpoint, HttpRequest body, ReplicaInbox inbox, CancellationToken token) =>
            {
                var offer = await body.ReadJsonAsync(ContractsJsonContext.Default.ReplicaOffer, MaxOfferBytes);
                var result = await inbox.OfferAsync(run, rank, checkpoint, offer, token);
                return Results.Json(
                    result,
                    ContractsJsonContext.Default.ReplicaOfferResult,
                    statusCode: result.State == ReplicaState.Held ? StatusCodes.Status200OK : StatusCodes.Status202Accepted);
            })
        .For(Audience.Network);
}
