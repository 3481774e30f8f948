using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Coordination;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Checkpointer.Service.Api;

/// <summary>Decisions to go back to an earlier checkpoint.</summary>
internal static class RollbackEndpoints
{
    public static void MapRollbacks(this IEndpointRouteBuilder routes)
    {
        var rollbacks = routes.MapGroup("/v1/runs/{run}/rollbacks").WithTags("rollbacks");
        _ = rollbacks.MapPost("/", DecideAsync)
            .WithSummary("Fences the present attempt; the next incarnation resumes from the checkpoint that is named.");
        _ = rollbacks.MapGet("/", ListAsync).WithSummary("A run's rollbacks, oldest first.");
    }

    private static async Task<Ok<Rollback>> DecideAsync(
        RunId run, RequestRollback body, Rollbacks rollbacks, CancellationToken cancellationToken) =>
        TypedResults.Ok(await rollbacks.DecideAsync(run, body, cancellationToken));

    private static async Task<Ok<Page<Rollback>>> ListAsync(
        RunId run, [AsParameters] PageQuery page, RunHost host, CancellationToken cancellationToken)
    {
        var limit = page.CheckedLimit();
        return TypedResults.Ok(await host.ReadAsync(run, state => state.ListRollbacks(page.After, limit), cancellationToken));
    }
}
