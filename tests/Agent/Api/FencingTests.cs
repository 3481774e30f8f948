using System.Net.Http.Headers;
using System.Text;
using Checkpointer.Agent.Tests.Nodes;
using Checkpointer.Agent.Tests.Worlds;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Problems;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.TestKit.Routes;

namespace Checkpointer.Agent.Tests.Api;

/// <summary>
/// Invariant 4 at every door, of trainers and of other agents: each route refuses a stale attempt, and nothing reaches the
/// service or the arenas.
/// A new route has to take its place in one of the lists here.
/// </summary>
public sealed class FencingTests : IAsyncLifetime
{
    private const string RankPath = "/v1/runs/{run}/ranks/{rank}";

    private const string ReplicaRoute = "POST /v1/replicas/{run}/{rank}/{checkpoint}";

    // What a trainer of attempt 1 says, or the agent of one: method, path and body; L is the layout's digest.
    private static readonly Dictionary<string, (string Method, string Path, string? Body)> Fenced = new()
    {
        [$"PUT {RankPath}/layout"] = ("PUT", "layout?attempt=1", "{}"),
        [ReplicaRoute] = (
            "POST",
            "41.1",
            """
            {"attempt":1,"node":"node-z","address":"http://127.0.0.1:1","world_size":1,"chunk_bytes":1024,"wait_ms":0,"image":{"layout":"L",
            "image_bytes":1,"root":"00000000000000000000000000000000","nan_count":0,"inf_count":0,"non_finite_tensors":[]}}
            """),
        [$"POST {RankPath}/restore"] = ("POST", "restore", """{"attempt":1,"layout":"L","wait_ms":0}"""),
        [$"POST {RankPath}/reports"] = ("POST", "reports", """{"attempt":1,"reports":[{"step":41}]}"""),
        [$"POST {RankPath}/presence"] = ("POST", "presence", "{\"attempt\":1}\n"),
        [$"POST {RankPath}/snapshots"] = ("POST", "snapshots", """{"attempt":1,"step":42,"layout":"L","durable":true}"""),
        [$"POST {RankPath}/snapshots/{{step}}/seal"] = ("POST", "snapshots/40/seal", """{"attempt":1,"captured_bytes":1}"""),
        [$"DELETE {RankPath}/snapshots/{{step}}"] = ("DELETE", "snapshots/40?attempt=1", null),
    };

    private static readonly HashSet<string> Unfenced = [$"POST {RankPath}/join"];

    private readonly TestWorld _world = new(1);
    private Cluster _cluster = null!;
    private TestNode _node = null!;

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
        _cluster = await Cluster.StartAsync();
        _node = await _cluster.StartNodeAsync();
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Call_OfAStaleAttempt_IsRefusedAndChangesNothing(string route, bool isRolledBack)
    {
        var trainer = Assert.Single(await _cluster.SaveAsync(_world, _node));
        Assert.Equal(new Attempt(1), trainer.Attempt);
        _cluster.Service.Progress[TestWorld.Run] = new RunProgress
        {
            Run = TestWorld.Run,
            Attempt = new Attempt(isRolledBack ? 1 : 2),
            ResumedFrom = isRolledBack ? null : new CheckpointId(new Step(40), new Attempt(1)),
            Fenced = isRolledBack,
            GivenUp = [],
        };
        var beats = _cluster.Service.Heartbeats.Count;
        await Waiting.UntilAsync(() => _cluster.Service.Heartbeats.Count > beats + 2, () => "no heartbeat");
        var before = await StateAsync();

        var (method, path, body) = Fenced[route];
        using var request = new HttpRequestMessage(
            new HttpMethod(method),
            new Uri((route == ReplicaRoute ? $"/v1/replicas/{TestWorld.Run}/0/" : $"/v1/runs/{TestWorld.Run}/ranks/0/") + path, UriKind.Relative));
        if (body is not null)
        {
            var text = body.Replace("\"L\"", $"\"{_world.LayoutOf(new Rank(0)).Digest}\"", StringComparison.Ordinal);
            request.Content = new StringContent(text, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        }

        using var response = await (route == ReplicaRoute ? _node.Network : _node.Trainers).SendAsync(request, Cancel);
        Assert.False(response.IsSuccessStatusCode, $"{route} was accepted");
        Assert.Equal(ErrorCode.StaleAttempt, (await ProblemReader.ReadAsync(response, Cancel)).Code);
        Assert.Equal(before, await StateAsync());
    }

    [Fact]
    public void Routes_ThatWrite_AreAllInOneOfTheLists() =>
        Assert.Equal(Fenced.Keys.Concat(Unfenced).Order(), WritingRoutes.Of(_node.Services).Order());

    // What the agent holds and has told: neither may move.
    private async Task<string> StateAsync()
    {
        var status = await _node.Trainers.GetStringAsync(new Uri("/v1/agent", UriKind.Relative), Cancel);
        return $"{status} {_cluster.Service.Taken.Count}";
    }
}
