using Checkpointer.Contracts.Advice;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Advising;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Notifying;
using Checkpointer.Service.Recovery;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Checkpointer.Service.Api;

/// <summary>What can be read of runs.</summary>
internal static class RunEndpoints
{
    public static void MapRuns(this IEndpointRouteBuilder routes)
    {
        var runs = routes.MapGroup("/v1/runs").WithTags("runs");
        _ = runs.MapGet("/", ListAsync).WithSummary("All runs, by name.");
        _ = runs.MapGet("/{run}", GetAsync).WithSummary("One run at a glance.");
        _ = runs.MapGet("/{run}/progress", GetProgressAsync)
            .WithSummary("What an agent must know of a run to decide which slots it may reuse.");
        _ = runs.MapGet("/{run}/memory", GetMemoryAsync)
            .WithSummary("What live agents hold of a run in memory: which steps it could resume from with no object storage.");
        _ = runs.MapGet("/{run}/attempts", ListAttemptsAsync).WithSummary("A run's attempts, oldest first.");
        _ = runs.MapGet("/{run}/checkpoints", ListCheckpointsAsync).WithSummary("A run's checkpoints, by step, then attempt.");
        _ = runs.MapGet("/{run}/checkpoints/{checkpoint}", GetCheckpointAsync).WithSummary("One checkpoint, written STEP.ATTEMPT.");
        _ = runs.MapGet("/{run}/ledger", ListLedgerAsync).WithSummary("A run's ledger, in the order in which it was written.");
        _ = runs.MapGet("/{run}/advice", AdviseAsync)
            .WithSummary("How often to take snapshots of a run, from what was measured. failure_every_s: your own figure, in seconds.");
        _ = routes.MapGet("/v1/incidents/stream", (HttpContext context, IncidentStream stream) => stream.ServeAsync(context, null))
            .WithTags("runs").WithSummary("New incidents of all runs as server-sent events; goes on behind Last-Event-ID.");
        _ = runs.MapGet("/{run}/incidents/stream", (RunId run, HttpContext context, IncidentStream stream) => stream.ServeAsync(context, run))
            .WithSummary("New incidents of one run as server-sent events; goes on behind Last-Event-ID.");
        _ = runs.MapGet("/{run}/incidents", ListIncidentsAsync).WithSummary("A run's incidents, oldest first.");
    }

    private static async Task<Ok<Page<RunSummary>>> ListAsync(
        [AsParameters] PageQuery page, RunHost host, MemoryTier memory, CancellationToken cancellationToken)
    {
        if (page.After is not null && !RunId.TryParse(page.After, null, out _))
        {
            throw new CheckpointerException(ErrorCode.InvalidRequest, "after must be the 'next' of the page before.");
        }

        return TypedResults.Ok(await host.ListRunsAsync(page.After, page.CheckedLimit(), memory.Summarise, cancellationToken));
    }

    private static async Task<Ok<RunSummary>> GetAsync(
        RunId run, RunHost host, MemoryTier memory, CancellationToken cancellationToken) =>
        TypedResults.Ok(await host.ReadAsync(run, memory.Summarise, cancellationToken));

    private static async Task<Ok<RunProgress>> GetProgressAsync(
        RunId run, string? node, RunHost host, MemoryTier memory, CancellationToken cancellationToken) =>
        TypedResults.Ok(await host.ReadAsync(run, state => memory.Progress(state, node), cancellationToken)
            ?? throw new CheckpointerException(ErrorCode.NotFound, $"Run '{run}' has no attempt yet: ranks are missing at its barrier."));

    private static async Task<Ok<MemorySteps>> GetMemoryAsync(
        RunId run, RunHost host, MemoryTier memory, CancellationToken cancellationToken) =>
        TypedResults.Ok(await host.ReadAsync(run, memory.Describe, cancellationToken));

    private static async Task<Ok<Page<AttemptSummary>>> ListAttemptsAsync(
        RunId run, [AsParameters] PageQuery page, RunHost host, CancellationToken cancellationToken)
    {
        var limit = page.CheckedLimit();
        return TypedResults.Ok(await host.ReadAsync(run, state => state.ListAttempts(page.After, limit), cancellationToken));
    }

    private static async Task<Ok<Page<CheckpointSummary>>> ListCheckpointsAsync(
        RunId run, [AsParameters] PageQuery page, RunHost host, CancellationToken cancellationToken)
    {
        var limit = page.CheckedLimit();
        return TypedResults.Ok(await host.ReadAsync(run, state => state.ListCheckpoints(page.After, limit), cancellationToken));
    }

    private static async Task<Ok<CheckpointSummary>> GetCheckpointAsync(
        RunId run, CheckpointId checkpoint, RunHost host, CancellationToken cancellationToken) =>
        TypedResults.Ok(await host.ReadAsync(run, state => state.FindCheckpoint(checkpoint), cancellationToken)
            ?? throw new CheckpointerException(ErrorCode.NotFound, $"Run '{run}' has no checkpoint {checkpoint}."));

    private static async Task<Ok<Page<LedgerEntry>>> ListLedgerAsync(
        RunId run, [AsParameters] PageQuery page, RunHost host, CancellationToken cancellationToken)
    {
        var limit = page.CheckedLimit();
        return TypedResults.Ok(await host.ReadAsync(run, state => state.ListLedger(page.After, limit), cancellationToken));
    }

    private static async Task<Ok<IntervalAdvice>> AdviseAsync(
        RunId run, [FromQuery(Name = "failure_every_s")] double? failureEverySeconds, RunHost host, CancellationToken cancellationToken)
    {
        if (failureEverySeconds is { } given && !(given >= 1 && given <= TimeSpan.FromDays(36_500).TotalSeconds))
        {
            throw new CheckpointerException(ErrorCode.InvalidRequest, "failure_every_s must be 1 second to 100 years.");
        }

        var measured = await host.ReadAsync(run, RunMeasurements.Of, cancellationToken)
            ?? throw new CheckpointerException(ErrorCode.NotFound, $"Run '{run}' has reported no step yet: there is nothing to advise from.");
        return TypedResults.Ok(IntervalAdvisor.Advise(
            run, measured, failureEverySeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null));
    }

    private static async Task<Ok<Page<Incident>>> ListIncidentsAsync(
        RunId run, [AsParameters] PageQuery page, RunHost host, CancellationToken cancellationToken)
    {
        var limit = page.CheckedLimit();
        return TypedResults.Ok(await host.ReadAsync(run, state => state.ListIncidents(page.After, limit), cancellationToken));
    }
}
