using System.Net.Http.Json;
using System.Text;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Problems;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Tests.Driving;
using Checkpointer.Service.Tests.Runs;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Routes;
using Microsoft.Extensions.DependencyInjection;

namespace Checkpointer.Service.Tests.Api;

/// <summary>
/// Invariant 4 at every door: each route that writes refuses an attempt that is not, or no longer, the one that may, and
/// nothing changes. A new route has to take its place in one of the two lists here.
/// </summary>
public sealed class FencingTests : IAsyncLifetime
{
    private const string Image =
        """{"layout":"0000000000000000000000000000000000000000000000000000000000000000","image_bytes":1,"root":"00000000000000000000000000000000","nan_count":0,"inf_count":0,"non_finite_tensors":[]}""";

    // What the writers of an attempt say; A is their attempt.
    private static readonly Dictionary<string, string> Fenced = new()
    {
        ["/v1/runs/{run}/reports"] = """{"attempt":A,"reports":[{"step":9,"loss":1.5}]}""",
        ["/v1/runs/{run}/snapshots"] =
            $$"""{"attempt":A,"step":9,"rank":0,"node":"node-0","outcome":"sealed","durable":true,"image":{{Image}}}""",
        ["/v1/runs/{run}/replicas"] =
            $$"""{"attempt":A,"checkpoint":{"step":1,"attempt":1},"rank":0,"node":"node-1","image":{{Image}}}""",
        ["/v1/runs/{run}/shards"] =
            $$"""{"attempt":A,"checkpoint":{"step":9,"attempt":A},"rank":0,"index_sha256":"0000000000000000000000000000000000000000000000000000000000000000","index_bytes":200,"image":{{Image}},"stored_bytes":1,"pack_bytes":113,"drain_ms":1}""",
        ["/v1/runs/{run}/corrupt-copies"] =
            """{"attempt":A,"checkpoint":{"step":1,"attempt":1},"rank":0,"from":"node-0","node":"node-1","message":"chunk 3 is wrong"}""",
        ["/v1/runs/{run}/failures"] =
            """{"attempt":A,"rank":0,"node":"node-0","kind":"raised","evidence":"it raised","at":"2026-01-01T00:00:00Z"}""",
        ["/v1/runs/{run}/restores"] =
            """{"attempt":A,"rank":0,"node":"node-0","checkpoint":{"step":1,"attempt":1},"succeeded":true,"local_memory_bytes":1,"peer_memory_bytes":0,"storage_bytes":0,"restore_ms":1,"faults":[],"wait_ms":0}""",
    };

    // Who says these speaks for no attempt: a new incarnation, an agent, an operator.
    private static readonly HashSet<string> Unfenced =
    [
        "/v1/runs/{run}/join",
        "/v1/agents/heartbeat",
        "/v1/runs/{run}/checkpoints/{checkpoint}/verifications",
        "/v1/runs/{run}/rollbacks",
    ];

    private readonly TemporaryFolder _folder = new();
    private RunningService _service = null!;
    private FakeAgents _agents = null!;

    public static TheoryData<string, bool> Routes
    {
        get
        {
            var routes = new TheoryData<string, bool>();
            foreach (var route in Fenced.Keys)
            {
                routes.Add(route, false);
                routes.Add(route, true);
            }

            return routes;
        }
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _service = await RunningService.StartAsync(_folder.Path);
        _agents = new FakeAgents(_service.Http, _service.Store);
        var attempt = await _agents.JoinAllAsync("one", Cancel);
        var checkpoint = await _agents.SaveAsync(attempt, 1, Cancel);
        _ = await Eventually.GetAsync(
            () => _service.GetAsync($"v1/runs/demo/checkpoints/{checkpoint}", ContractsJsonContext.Default.CheckpointSummary, Cancel),
            summary => summary.State == CheckpointState.Committed,
            Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await _service.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Write_OfAStaleAttempt_IsRefusedAndChangesNothing(string route, bool isRolledBack)
    {
        var stale = isRolledBack ? await RollBackAsync() : await ReplaceAsync();
        var before = await StateAsync();
        using var body = new StringContent(
            Fenced[route].Replace("\"attempt\":A", $"\"attempt\":{stale}", StringComparison.Ordinal), Encoding.UTF8, "application/json");
        using var response = await _service.Http.PostAsync(
            new Uri(route.Replace("{run}", "demo", StringComparison.Ordinal), UriKind.Relative), body, Cancel);

        Assert.False(response.IsSuccessStatusCode, $"{route} was accepted");
        var problem = await ProblemReader.ReadAsync(response, Cancel);
        Assert.Equal((ErrorCode.StaleAttempt, 409), (problem.Code, (int)response.StatusCode));
        Assert.Equal(before, await StateAsync());
    }

    [Fact]
    public void Routes_ThatWrite_AreAllInOneOfTheLists()
    {
        Assert.Equal(
            Fenced.Keys.Concat(Unfenced).Select(route => "POST " + route).Order(), WritingRoutes.Of(_service.Services).Order());
    }

    private async Task<Attempt> ReplaceAsync()
    {
        var replaced = new Attempt(1);
        Assert.Equal(new Attempt(2), await _agents.JoinAllAsync("two", Cancel));
        return replaced;
    }

    private async Task<Attempt> RollBackAsync()
    {
        using var response = await _service.Http.PostAsJsonAsync(
            "v1/runs/demo/rollbacks",
            new RequestRollback { To = "1", By = "ann" },
            ContractsJsonContext.Default.RequestRollback,
            Cancel);
        await ProblemReader.EnsureSuccessAsync(response, Cancel);
        return new Attempt(1);
    }

    private async Task<string> StateAsync() =>
        Encoding.UTF8.GetString(await _service.Services.GetRequiredService<RunHost>().ReadAsync(_agents.Run, RunDriver.BytesOf, Cancel))
        + await _service.Http.GetStringAsync(new Uri("v1/runs/demo/memory", UriKind.Relative), Cancel);
}
