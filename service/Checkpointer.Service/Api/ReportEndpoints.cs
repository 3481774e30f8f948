using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Agents;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Runs.Commands;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Checkpointer.Service.Api;

/// <summary>What agents tell the service. Every answer means that what was told is durable.</summary>
internal static class ReportEndpoints
{
    public static void MapReports(this IEndpointRouteBuilder routes)
    {
        var run = routes.MapGroup("/v1/runs/{run}").WithTags("reports");
        _ = run.MapPost("/join", JoinAsync).WithSummary("A rank of an incarnation has come up.");
        _ = run.MapPost("/reports", ReportStepsAsync).WithSummary("Rank 0 completed steps.");
        _ = run.MapPost("/snapshots", ReportSnapshotAsync).WithSummary("What became of one rank's snapshot of one step.");
        _ = run.MapPost("/shards", ReportShardAsync).WithSummary("One rank's shard is durable in object storage.");
        _ = run.MapPost("/restores", ReportRestoreAsync).WithSummary("How one rank's restore went.");
    }

    private static async Task<Ok<JoinResult>> JoinAsync(
        RunId run, JoinRun body, HeldJoins joins, AgentRegistry agents, CancellationToken cancellationToken)
    {
        agents.See(body.Agent);
        return TypedResults.Ok(await joins.JoinAsync(run, body, cancellationToken));
    }

    private static async Task<Ok<ReportStepsResult>> ReportStepsAsync(
        RunId run, ReportSteps body, RunHost host, CancellationToken cancellationToken) =>
        TypedResults.Ok(await host.TakeAsync(run, new RecordSteps(body), cancellationToken));

    private static async Task<NoContent> ReportSnapshotAsync(
        RunId run, SnapshotReport body, RunHost host, CancellationToken cancellationToken)
    {
        _ = await host.TakeAsync(run, new RecordSnapshot(body), cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<ShardResult>> ReportShardAsync(
        RunId run, ShardReport body, RunHost host, CancellationToken cancellationToken) =>
        TypedResults.Ok(await host.TakeAsync(run, new RecordShard(body), cancellationToken));

    private static async Task<NoContent> ReportRestoreAsync(
        RunId run, RestoreReport body, RunHost host, CancellationToken cancellationToken)
    {
        _ = await host.TakeAsync(run, new RecordRestore(body), cancellationToken);
        return TypedResults.NoContent();
    }
}
