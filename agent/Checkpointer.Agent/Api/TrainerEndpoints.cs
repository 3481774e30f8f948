using System.Text.Json.Serialization.Metadata;
using Checkpointer.Agent.Hosting;
using Checkpointer.Agent.Presences;
using Checkpointer.Contracts;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Checkpointer.Agent.Api;

/// <summary>The routes of trainers. What they take and answer is in Checkpointer.Contracts/Trainers.</summary>
internal static class TrainerEndpoints
{
    /// <summary>Longest body of most calls, in bytes; a seal's extra value of 256 KiB may be written wastefully.</summary>
    public const long MaxJsonBytes = 1024 * 1024;

    /// <summary>Longest body of step reports, in bytes.</summary>
    public const long MaxReportsBytes = 8 * 1024 * 1024;

    private const string RankPath = "/v1/runs/{run}/ranks/{rank}";

    /// <summary>Adds the routes, for the Unix socket only.</summary>
    public static void MapTrainers(this IEndpointRouteBuilder app)
    {
        app.MapGet("/v1/agent", (TrainerCalls calls) => Json(calls.Status(), ContractsJsonContext.Default.AgentStatus))
            .For(Audience.Trainers);

        var rank = app.MapGroup(RankPath).For(Audience.Trainers);
        rank.MapPost("/join", async (RunId run, Rank rank, HttpRequest body, TrainerCalls calls, CancellationToken token) => Json(
            await calls.JoinAsync(
                run, rank, await body.ReadJsonAsync(ContractsJsonContext.Default.JoinRequest, MaxJsonBytes), token),
            ContractsJsonContext.Default.JoinResponse));
        rank.MapPut("/layout", async (RunId run, Rank rank, Attempt attempt, HttpRequest body, TrainerCalls calls, CancellationToken token) => Json(
            await calls.RegisterAsync(run, rank, attempt, await body.ReadBytesAsync(Layout.MaxBytes), token),
            ContractsJsonContext.Default.RegisterLayoutResponse));
        rank.MapPost("/restore", async (RunId run, Rank rank, HttpRequest body, TrainerCalls calls, CancellationToken token) => Json(
            await calls.RestoreAsync(
                run, rank, await body.ReadJsonAsync(ContractsJsonContext.Default.RestoreRequest, MaxJsonBytes), token),
            ContractsJsonContext.Default.RestoreResponse));
        rank.MapPost("/reports", async (RunId run, Rank rank, HttpRequest body, TrainerCalls calls) => Json(
            calls.Report(run, rank, await body.ReadJsonAsync(ContractsJsonContext.Default.ReportRequest, MaxReportsBytes)),
            ContractsJsonContext.Default.ReportResponse));
        rank.MapPost("/presence", PresenceEndpoint.ServeAsync);
        MapSnapshots(rank);
    }

    private static void MapSnapshots(RouteGroupBuilder rank)
    {
        rank.MapPost("/snapshots", async (RunId run, Rank rank, HttpRequest body, TrainerCalls calls, CancellationToken token) => Json(
            await calls.BeginAsync(
                run, rank, await body.ReadJsonAsync(ContractsJsonContext.Default.BeginSnapshotRequest, MaxJsonBytes), token),
            ContractsJsonContext.Default.SlotLocation));
        rank.MapPost("/snapshots/{step}/seal", async (RunId run, Rank rank, Step step, HttpRequest body, TrainerCalls calls) => Json(
            calls.Seal(run, rank, step, await body.ReadJsonAsync(ContractsJsonContext.Default.SealSnapshotRequest, MaxJsonBytes)),
            ContractsJsonContext.Default.SnapshotStatus));
        rank.MapDelete("/snapshots/{step}", (RunId run, Rank rank, Step step, Attempt attempt, TrainerCalls calls) => Json(
            calls.Discard(run, rank, new CheckpointId(step, attempt)), ContractsJsonContext.Default.SnapshotStatus));
        rank.MapGet(
            "/snapshots/{step}",
            async (RunId run, Rank rank, Step step, Attempt attempt, string? until, int? wait_ms, TrainerCalls calls, CancellationToken token) => Json(
                await calls.StatusAsync(
                    run, rank, new CheckpointId(step, attempt), until ?? "open", wait_ms ?? 0, token),
                ContractsJsonContext.Default.SnapshotStatus));
    }

    private static IResult Json<T>(T value, JsonTypeInfo<T> type) => Results.Json(value, type);
}
