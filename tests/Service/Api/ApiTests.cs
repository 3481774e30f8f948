using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Problems;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Api;
using Checkpointer.Service.Tests.Driving;

namespace Checkpointer.Service.Tests.Api;

/// <summary>The HTTP interface against one running service: answers, and a named problem for each kind of bad input.</summary>
public sealed class ApiTests(ApiFixture fixture) : IClassFixture<ApiFixture>
{
    private static readonly string Join = """{"incarnation":"i","rank":0,"world_size":2,"wait_ms":0,"agent":{"node":"n","instance":"1","address":"http://h:1","holdings":[]}}""";

    private static readonly string Verification = """{"outcome":"good","by":"operator","started_at":"2026-01-01T00:00:00Z","seconds":1.5,"shards":2,"packs":2,"chunks":2,"bytes":10,"bytes_read":10,"unread_bytes":0,"findings":[],"finding_count":0}""";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, string, string?, int, string> BadRequests => new()
    {
        { "GET", "/nowhere", null, 404, "not_found" },
        { "GET", "/v1/runs/unknown", null, 404, "not_found" },
        { "GET", "/v1/runs/unknown/attempts", null, 404, "not_found" },
        { "GET", "/v1/runs/unknown/progress", null, 404, "not_found" },
        { "GET", "/v1/runs/demo/checkpoints/9.9", null, 404, "not_found" },
        { "GET", "/v1/runs/demo/checkpoints/9", null, 400, "invalid_request" },
        { "GET", "/v1/runs/UPPER", null, 400, "invalid_request" },
        { "GET", "/v1/runs/..%2Fetc", null, 400, "invalid_request" },
        { "GET", "/v1/runs?limit=0", null, 400, "invalid_request" },
        { "GET", "/v1/runs?limit=1001", null, 400, "invalid_request" },
        { "GET", "/v1/runs?limit=many", null, 400, "invalid_request" },
        { "GET", "/v1/runs?after=..", null, 400, "invalid_request" },
        { "GET", "/v1/runs/demo/ledger?after=nonsense", null, 400, "invalid_request" },
        { "GET", "/v1/runs/demo/attempts?after=nonsense", null, 400, "invalid_request" },
        { "GET", "/v1/runs/demo/checkpoints?after=nonsense", null, 400, "invalid_request" },
        { "GET", "/v1/runs/demo/incidents?after=nonsense", null, 400, "invalid_request" },
        { "DELETE", "/v1/runs/demo", null, 405, "invalid_request" },
        { "GET", "/v1/runs/demo/join", null, 405, "invalid_request" },
        { "POST", "/v1/runs/demo/join", "", 400, "invalid_request" },
        { "POST", "/v1/runs/demo/join", "{", 400, "invalid_request" },
        { "POST", "/v1/runs/demo/join", "null", 400, "invalid_request" },
        { "POST", "/v1/runs/demo/join", "[]", 400, "invalid_request" },
        { "POST", "/v1/runs/demo/join", "{}", 400, "invalid_request" },
        { "POST", "/v1/runs/demo/join", Join.Replace("\"rank\":0", "\"rank\":-1", StringComparison.Ordinal), 400, "invalid_request" },
        { "POST", "/v1/runs/demo/join", Join.Replace("\"rank\":0", "\"rank\":2", StringComparison.Ordinal), 400, "invalid_request" },
        { "POST", "/v1/runs/demo/join", Join.Replace("\"rank\":0", "\"rank\":\"0\"", StringComparison.Ordinal), 400, "invalid_request" },
        { "POST", "/v1/runs/demo/join", Join.Replace("\"world_size\":2", "\"world_size\":0", StringComparison.Ordinal), 400, "invalid_request" },
        { "POST", "/v1/runs/demo/join", Join.Replace("\"wait_ms\":0", "\"wait_ms\":30001", StringComparison.Ordinal), 400, "invalid_request" },
        { "POST", "/v1/runs/demo/join", Join.Replace("\"wait_ms\":0", "\"wait_ms\":-1", StringComparison.Ordinal), 400, "invalid_request" },
        { "POST", "/v1/runs/demo/join", Join.Replace("\"i\"", "\"a b\"", StringComparison.Ordinal), 400, "invalid_request" },
        { "POST", "/v1/runs/demo/join", Join.Replace("\"n\"", "\"../n\"", StringComparison.Ordinal), 400, "invalid_request" },
        { "POST", "/v1/runs/demo/join", Join.Replace("http://h:1", "file:///etc", StringComparison.Ordinal), 400, "invalid_request" },
        { "POST", "/v1/runs/demo/join", Join.Replace("[]", "[null]", StringComparison.Ordinal), 400, "invalid_request" },
        { "POST", "/v1/runs/demo/join", Join.Replace("[]", "null", StringComparison.Ordinal), 400, "invalid_request" },
        { "POST", "/v1/runs/demo/join", Join[..^1] + ",\"agent\":null}", 400, "invalid_request" },
        { "POST", "/v1/runs/unknown/reports", """{"attempt":1,"reports":[{"step":1}]}""", 404, "not_found" },
        { "POST", "/v1/runs/demo/reports", """{"attempt":9,"reports":[{"step":1}]}""", 409, "stale_attempt" },
        { "POST", "/v1/runs/demo/reports", """{"attempt":1,"reports":[null]}""", 400, "invalid_request" },
        { "POST", "/v1/runs/demo/reports", """{"attempt":1,"reports":[{"step":-1}]}""", 400, "invalid_request" },
        { "POST", "/v1/runs/demo/reports", """{"attempt":1,"reports":[{"step":1,"loss":0.5}]}""", 409, "step_repeated" },
        { "POST", "/v1/runs/demo/snapshots", """{"attempt":1,"step":5,"rank":0,"node":"n","outcome":"eaten","durable":true}""", 400, "invalid_request" },
        { "POST", "/v1/runs/demo/snapshots", """{"attempt":1,"step":5,"rank":0,"node":"n","outcome":"sealed","durable":true}""", 400, "invalid_request" },
        { "POST", "/v1/runs/demo/shards", "{}", 400, "invalid_request" },
        { "POST", "/v1/runs/demo/restores", """{"attempt":1}""", 400, "invalid_request" },
        { "POST", "/v1/runs/demo/checkpoints/1.1/verifications", "{}", 400, "invalid_request" },
        { "POST", "/v1/runs/demo/checkpoints/1/verifications", Verification, 400, "invalid_request" },
        { "POST", "/v1/runs/demo/checkpoints/9.9/verifications", Verification, 404, "not_found" },
        { "POST", "/v1/runs/unknown/checkpoints/1.1/verifications", Verification, 404, "not_found" },
        { "POST", "/v1/runs/demo/checkpoints/1.1/verifications", Verification.Replace("good", "splendid", StringComparison.Ordinal), 400, "invalid_request" },
        { "POST", "/v1/runs/demo/checkpoints/1.1/verifications", Verification.Replace("good", "damaged", StringComparison.Ordinal), 400, "invalid_request" },
        { "POST", "/v1/runs/demo/checkpoints/1.1/verifications", Verification.Replace("[]", "null", StringComparison.Ordinal), 400, "invalid_request" },
        { "POST", "/v1/runs/demo/checkpoints/1.1/verifications", Verification.Replace("[]", "[null]", StringComparison.Ordinal), 400, "invalid_request" },
        { "GET", "/v1/runs/demo/checkpoints/1.1/verifications", null, 405, "invalid_request" },
        { "POST", "/v1/agents/heartbeat", """{"node":"","instance":"1","address":"http://h:1","holdings":[]}""", 400, "invalid_request" },
        { "POST", "/v1/agents/heartbeat", """{"node":"n","instance":"1","address":"http://h:1","holdings":[null]}""", 400, "invalid_request" },
    };

    [Theory]
    [MemberData(nameof(BadRequests))]
    public async Task BadRequest_GetsItsProblem(string method, string path, string? body, int status, string code)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(fixture.Service.Http.BaseAddress!, path));
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }

        using var response = await fixture.Service.Http.SendAsync(request, Cancel);

        await AssertProblemAsync(response, status, code);
    }

    [Fact]
    public async Task Body_NotJson_IsRefused()
    {
        using var content = new StringContent(Join, Encoding.UTF8, "text/plain");
        using var response = await fixture.Service.Http.PostAsync("/v1/runs/demo/join", content, Cancel);

        Assert.InRange((int)response.StatusCode, 400, 415);
        Assert.Equal("invalid_request", (await ReadProblemAsync(response)).Code);
    }

    [Fact]
    public async Task Body_AtItsLimitIsRead_OneByteMoreIsNot()
    {
        var longest = Join + new string(' ', (int)ApiLimits.MaxBodyBytes - Join.Length);
        using var fits = new StringContent(longest.Replace("\"i\"", "\"limit\"", StringComparison.Ordinal)[..(int)ApiLimits.MaxBodyBytes], Encoding.ASCII, "application/json");
        using var tooLong = new StringContent(longest + " ", Encoding.ASCII, "application/json");
        using var read = await fixture.Service.Http.PostAsync("/v1/runs/limits/join", fits, Cancel);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/runs/limits/join") { Content = tooLong };
        request.Headers.ExpectContinue = true;
        using var refused = await fixture.Service.Http.SendAsync(request, Cancel);

        Assert.Equal(HttpStatusCode.OK, read.StatusCode);
        await AssertProblemAsync(refused, 413, "limit_exceeded");
    }

    [Fact]
    public async Task Heartbeat_TellsProgressOfTheRunsItHolds()
    {
        var agents = fixture.Agents;
        var image = agents.Image(1, 0);
        var presence = agents.Presence(
            0,
            new() { Run = agents.Run, Rank = new Rank(0), Checkpoint = new CheckpointId(new Step(1), new Attempt(1)), Image = image },
            new() { Run = RunId.Parse("unknown"), Rank = new Rank(0), Checkpoint = new CheckpointId(new Step(1), new Attempt(1)), Image = image });

        using var response = await fixture.Service.Http.PostAsJsonAsync(
            "/v1/agents/heartbeat", presence, ContractsJsonContext.Default.AgentPresence, Cancel);

        var result = await response.Content.ReadFromJsonAsync(ContractsJsonContext.Default.HeartbeatResult, Cancel);
        var run = Assert.Single(result!.Runs);
        Assert.Equal((agents.Run, new Attempt(1)), (run.Run, run.Attempt));
    }

    [Fact]
    public async Task Runs_ArePagedByName()
    {
        foreach (var name in new[] { "page-b", "page-a", "page-c" })
        {
            _ = await new FakeAgents(fixture.Service.Http, fixture.Service.Store, run: name).JoinAsync("one", 0, 0, Cancel);
        }

        var names = new List<string>();
        string? after = null;
        do
        {
            var page = await fixture.Service.GetAsync(
                $"/v1/runs?limit=2&after={after}".TrimEnd('=').Replace("&after", after is null ? "" : "&after", StringComparison.Ordinal),
                ContractsJsonContext.Default.PageRunSummary,
                Cancel);
            Assert.InRange(page.Items.Count, 1, 2);
            names.AddRange(page.Items.Select(item => item.Run.Value));
            after = page.Next;
        }
        while (after is not null);

        Assert.Equal(names.Order(StringComparer.Ordinal), names);
        Assert.Superset(new HashSet<string> { "demo", "page-a", "page-b", "page-c" }, names.ToHashSet());
    }

    [Fact]
    public async Task Join_IsHeldUntilTheLastRankComes()
    {
        var agents = new FakeAgents(fixture.Service.Http, fixture.Service.Store, worldSize: 3, run: "held");
        var held = Enumerable.Range(0, 2).Select(rank => agents.JoinAsync("one", rank, 30_000, Cancel)).ToList();
        var pending = await Eventually.GetAsync(
            () => agents.JoinAsync("one", 0, 0, Cancel), result => result.JoinedRanks == 2, Cancel);
        Assert.Equal(JoinState.Pending, pending.State);
        Assert.All(held, task => Assert.False(task.IsCompleted));

        var last = await agents.JoinAsync("one", 2, 30_000, Cancel);

        var all = await Task.WhenAll(held);
        Assert.All(all, result => Assert.Equal((JoinState.Granted, last.Attempt), (result.State, result.Attempt)));
    }

    [Fact]
    public async Task Join_HeldWhenAnotherIncarnationTakesOver_IsToldAtOnce()
    {
        var agents = new FakeAgents(fixture.Service.Http, fixture.Service.Store, run: "taken-over");
        var held = agents.JoinAsync("one", 0, 30_000, Cancel);
        _ = await Eventually.GetAsync(() => agents.JoinAsync("one", 0, 0, Cancel), result => result.JoinedRanks == 1, Cancel);

        _ = await agents.JoinAsync("two", 0, 0, Cancel);

        var told = await Assert.ThrowsAsync<CheckpointerException>(() => held);
        Assert.Equal(ErrorCode.IncarnationSuperseded, told.Code);
    }

    [Fact]
    public async Task OpenApi_DescribesEveryRoute()
    {
        using var document = JsonDocument.Parse(await fixture.Service.Http.GetStringAsync("/openapi/v1.json", Cancel));

        var paths = document.RootElement.GetProperty("paths").EnumerateObject().Select(path => path.Name).ToHashSet();
        Assert.Superset(
            new HashSet<string>
            {
                "/v1/runs", "/v1/runs/{run}", "/v1/runs/{run}/attempts", "/v1/runs/{run}/checkpoints",
                "/v1/runs/{run}/checkpoints/{checkpoint}", "/v1/runs/{run}/ledger", "/v1/runs/{run}/incidents",
                "/v1/runs/{run}/progress", "/v1/runs/{run}/join", "/v1/runs/{run}/reports", "/v1/runs/{run}/snapshots",
                "/v1/runs/{run}/shards", "/v1/runs/{run}/restores",
                "/v1/runs/{run}/checkpoints/{checkpoint}/verifications", "/v1/agents/heartbeat", "/healthz/live", "/healthz/ready",
            },
            paths);
        var schemas = document.RootElement.GetProperty("components").GetProperty("schemas");
        Assert.True(schemas.GetProperty("JoinRun").GetProperty("properties").TryGetProperty("world_size", out _));
    }

    [Fact]
    public async Task Metrics_HaveTheDocumentedNames()
    {
        var text = await fixture.Service.Http.GetStringAsync("/metrics", Cancel);

        Assert.Contains("checkpointer_command_duration_seconds_count", text, StringComparison.Ordinal);
        Assert.Contains("checkpointer_run_attempt{", text, StringComparison.Ordinal);
        Assert.Contains("run=\"demo\"", text, StringComparison.Ordinal);
        Assert.Contains("checkpointer_agents_alive", text, StringComparison.Ordinal);
        Assert.Contains("checkpointer_commit_duration_seconds", text, StringComparison.Ordinal);
        Assert.Contains("checkpointer_journal_replay_entries", text, StringComparison.Ordinal);
    }

    private static async Task<Problem> ReadProblemAsync(HttpResponseMessage response)
    {
        Assert.Equal(Problem.MediaType, response.Content.Headers.ContentType?.MediaType);
        return (await response.Content.ReadFromJsonAsync(ContractsJsonContext.Default.Problem, Cancel))!;
    }

    private static async Task AssertProblemAsync(HttpResponseMessage response, int status, string code)
    {
        var problem = await ReadProblemAsync(response);
        Assert.True((status, code) == (problem.Status, problem.Code), $"{problem.Status} {problem.Code}: {problem.Detail}");
        Assert.Equal(status, (int)response.StatusCode);
        Assert.False(string.IsNullOrEmpty(problem.Detail));
    }
}
