using Checkpointer.Contracts.Replicas;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Agents;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Recovery;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Telemetry;
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
        _ = run.MapPost("/replicas", ReportReplicaAsync).WithSummary("An agent holds a verified copy of another node's image.");
        _ = run.MapPost("/shards", ReportShardAsync).WithSummary("One rank's shard is durable in object storage.");
        _ = run.MapPost("/restores", ReportRestoreAsync).WithSummary("How one rank's restore went; held until all ranks have restored, and answered with another plan if one could not.");
        _ = run.MapPost("/corrupt-copies", ReportCorruptCopyAsync).WithSummary("What an agent reads of another node's image stays wrong.");
        _ = run.MapPost("/failures", ReportFailureAsync).WithSummary("A rank's process ended without closing its session.");
    }

    private static async Task<Ok<JoinResult>> JoinAsync(
        RunId run,
        JoinRun body,
        HeldJoins joins,
        AgentRegistry agents,
        MemoryTier memory,
        RunHost host,
        CancellationToken cancellationToken)
    {
        agents.See(body.Agent);
        memory.Hear(body.Agent, run);
        var result = await joins.JoinAsync(run, body, cancellationToken);
        return TypedResults.Ok(result.State == JoinState.Granted
            ? result with
            {
                Peer = await host.ReadAsync(run, state => memory.PeerOf(state, body.Agent.Node), cancellationToken),
            }
            : result);
    }

    private static async Task<Ok<ReportStepsResult>> ReportStepsAsync(
        RunId run, ReportSteps body, RunHost host, CancellationToken cancellationToken) =>
        TypedResults.Ok(await host.TakeAsync(run, new RecordSteps(body), cancellationToken));

    private static async Task<NoContent> ReportSnapshotAsync(
        RunId run, SnapshotReport body, RunHost host, MemoryTier memory, CancellationToken cancellationToken)
    {
        _ = await host.TakeAsync(run, new RecordSnapshot(body), cancellationToken);
        if (body is { Outcome: SnapshotOutcome.Sealed, Image: { } image })
        {
            memory.Hold(run, body.Node, new CheckpointId(body.Step, body.Attempt), body.Rank, image.Root);
        }

        return TypedResults.NoContent();
    }

    private static async Task<NoContent> ReportReplicaAsync(
        RunId run, ReplicaReport body, RunHost host, MemoryTier memory, CancellationToken cancellationToken)
    {
        if (await host.ReadAsync(run, state => ReplicaReportChecks.Check(state, body), cancellationToken) is { } refusal)
        {
            throw refusal.ToException();
        }

        memory.Hold(run, body.Node, body.Checkpoint, body.Rank, body.Image.Root);
        return TypedResults.NoContent();
    }

    private static async Task<NoContent> ReportCorruptCopyAsync(
        RunId run, CorruptCopyReport body, RunHost host, CancellationToken cancellationToken)
    {
        _ = await host.TakeAsync(run, new RecordCorruptCopy(body), cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<NoContent> ReportFailureAsync(
        RunId run, FailureReport body, RunHost host, ServiceMetrics metrics, CancellationToken cancellationToken)
    {
        _ = await host.TakeAsync(run, new RecordFailure(body), cancellationToken);
        metrics.CountDetection(nameof(IncidentKind.RankDied));
        return TypedResults.NoContent();
    }

    private static async Task<Ok<ShardResult>> ReportShardAsync(
        RunId run, ShardReport body, RunHost host, CancellationToken cancellationToken) =>
        TypedResults.Ok(await host.TakeAsync(run, new RecordShard(body), cancellationToken));

    private static async Task<Ok<RestoreResult>> ReportRestoreAsync(
        RunId run, RestoreReport body, HeldRestores restores, CancellationToken cancellationToken) =>
        TypedResults.Ok(await restores.RestoreAsync(run, body, cancellationToken));
}
