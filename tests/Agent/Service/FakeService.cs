using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.Json.Serialization.Metadata;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Problems;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Tests.Service;

/// <summary>
/// What an agent sees of the service: the contract's routes on a real listener, with just enough behind them, and
/// switches for its troubles. Writes down what it takes, in order.
/// </summary>
internal sealed class FakeService : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<string, (Attempt Attempt, HashSet<Rank> Ranks)> _incarnations = new();
    private readonly List<object> _taken = [];
    private int _attempts;
    private int _cut;

    private FakeService()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddCheckpointerProblems();
        _app = builder.Build();
        _app.UseCheckpointerProblems();
        _app.Use(async (context, next) =>
        {
            if (IsDown)
            {
                Interlocked.Increment(ref _cut);
                context.Abort();
                return;
            }

            await next(context);
        });
        Map();
    }

    /// <summary>While true, every call is cut off.</summary>
    public bool IsDown { get; set; }

    /// <summary>Calls that were cut off.</summary>
    public int Cut => Volatile.Read(ref _cut);

    /// <summary>May refuse what it is sent.</summary>
    public Func<object, CheckpointerException?> Refuse { get; set; } = _ => null;

    /// <summary>What a joining incarnation is told to resume from.</summary>
    public RecoveryPlan Plan { get; set; } = new() { Reason = "nothing to resume", Images = [] };

    /// <summary>What a restore report is answered with; by default every rank is told that all have restored.</summary>
    public Func<RestoreReport, RestoreResult> DecideRestore { get; set; } = report => report.Succeeded
        ? new RestoreResult { State = RestoreState.Confirmed, RestoredRanks = 1, WaitingFor = [] }
        : new RestoreResult { State = RestoreState.Impossible, RestoredRanks = 0, WaitingFor = [], Reason = string.Join("; ", report.Faults) };

    /// <summary>The repository that it says it uses.</summary>
    public string? Repository { get; set; }

    /// <summary>What it says of runs.</summary>
    public ConcurrentDictionary<RunId, RunProgress> Progress { get; } = new();

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features
        .Get<IServerAddressesFeature>()!.Addresses.First());

    /// <summary>Everything that it took, in order, but joins and heartbeats.</summary>
    public IReadOnlyList<object> Taken
    {
        get
        {
            lock (_gate)
            {
                return [.. _taken];
            }
        }
    }

    public ConcurrentQueue<JoinRun> Joins { get; } = new();

    /// <summary>Why a join is refused; null if it is not.</summary>
    public Func<JoinRun, CheckpointerException?> RefuseJoin { get; set; } = _ => null;

    public ConcurrentQueue<AgentPresence> Heartbeats { get; } = new();

    public static async Task<FakeService> StartAsync()
    {
        var service = new FakeService();
        await service._app.StartAsync();
        return service;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private void Map()
    {
        _app.MapPost("/v1/runs/{run}/join", async (RunId run, HttpRequest body) => Json(
            await JoinAsync(run, await ReadAsync(body, ContractsJsonContext.Default.JoinRun)),
            ContractsJsonContext.Default.JoinResult));
        _app.MapPost("/v1/agents/heartbeat", async (HttpRequest body) =>
        {
            Heartbeats.Enqueue(await ReadAsync(body, ContractsJsonContext.Default.AgentPresence));
            return Json(new HeartbeatResult { Runs = [.. Progress.Values], Repository = Repository }, ContractsJsonContext.Default.HeartbeatResult);
        });
        _app.MapPost("/v1/runs/{run}/reports", async (RunId run, HttpRequest body) =>
        {
            var report = Take(await ReadAsync(body, ContractsJsonContext.Default.ReportSteps));
            return Json(
                new ReportStepsResult { LedgerStep = report.Reports[^1].Step, Incidents = [] },
                ContractsJsonContext.Default.ReportStepsResult);
        });
        _app.MapPost("/v1/runs/{run}/snapshots", async (RunId run, HttpRequest body) =>
        {
            Take(await ReadAsync(body, ContractsJsonContext.Default.SnapshotReport));
            return Results.NoContent();
        });
        _app.MapPost("/v1/runs/{run}/shards", async (RunId run, HttpRequest body) =>
        {
            Take(await ReadAsync(body, ContractsJsonContext.Default.ShardReport));
            return Json(
                new ShardResult { State = CheckpointState.Saving, DurableShards = 1 }, ContractsJsonContext.Default.ShardResult);
        });
        _app.MapPost("/v1/runs/{run}/replicas", async (RunId run, HttpRequest body) =>
        {
            Take(await ReadAsync(body, ContractsJsonContext.Default.ReplicaReport));
            return Results.NoContent();
        });
        _app.MapPost("/v1/runs/{run}/corrupt-copies", async (RunId run, HttpRequest body) =>
        {
            Take(await ReadAsync(body, ContractsJsonContext.Default.CorruptCopyReport));
            return Results.NoContent();
        });
        _app.MapPost("/v1/runs/{run}/failures", async (RunId run, HttpRequest body) =>
        {
            Take(await ReadAsync(body, ContractsJsonContext.Default.FailureReport));
            return Results.NoContent();
        });
        _app.MapPost("/v1/runs/{run}/restores", async (RunId run, HttpRequest body) =>
        {
            var report = Take(await ReadAsync(body, ContractsJsonContext.Default.RestoreReport));
            return Json(DecideRestore(report), ContractsJsonContext.Default.RestoreResult);
        });
        _app.MapGet("/v1/runs/{run}/progress", (RunId run) => Json(
            Progress.TryGetValue(run, out var progress)
                ? progress
                : throw new CheckpointerException(ErrorCode.NotFound, "No such run."),
            ContractsJsonContext.Default.RunProgress));
    }

    private async Task<JoinResult> JoinAsync(RunId run, JoinRun join)
    {
        Joins.Enqueue(join);
        if (RefuseJoin(join) is { } refusal)
        {
            throw refusal;
        }

        (Attempt Attempt, HashSet<Rank> Ranks) incarnation;
        lock (_gate)
        {
            // One at a time: two ranks that come first together must not use up two attempts.
            incarnation = _incarnations.GetOrAdd(
                string.Create(CultureInfo.InvariantCulture, $"{run}/{join.Incarnation}"), _ => (new Attempt(++_attempts), []));
        }

        var deadline = DateTime.UtcNow.AddMilliseconds(join.WaitMs);
        while (true)
        {
            int joined;
            lock (incarnation.Ranks)
            {
                incarnation.Ranks.Add(join.Rank);
                joined = incarnation.Ranks.Count;
            }

            if (joined == join.WorldSize)
            {
                return new JoinResult
                {
                    State = JoinState.Granted,
                    JoinedRanks = joined,
                    Attempt = incarnation.Attempt,
                    Plan = Plan,
                };
            }

            if (DateTime.UtcNow >= deadline)
            {
                return new JoinResult { State = JoinState.Pending, JoinedRanks = joined };
            }

            await Task.Delay(10);
        }
    }

    private T Take<T>(T report)
        where T : notnull
    {
        lock (_gate)
        {
            if (Refuse(report) is { } refusal)
            {
                throw refusal;
            }

            _taken.Add(report);
            return report;
        }
    }

    private static async Task<T> ReadAsync<T>(HttpRequest request, JsonTypeInfo<T> type) =>
        (await System.Text.Json.JsonSerializer.DeserializeAsync(request.Body, type))!;

    private static IResult Json<T>(T value, JsonTypeInfo<T> type) => Results.Json(value, type);
}
