using System.Net;
using System.Text;
using System.Text.Json;
using Checkpointer.Agent.Api;
using Checkpointer.Agent.Tests.Nodes;
using Checkpointer.Agent.Tests.Worlds;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Problems;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Agent.Tests.Api;

/// <summary>Input from outside: an error by name, and nothing else happens.</summary>
public sealed class HostileCallTests : IAsyncLifetime
{
    private const string LayoutPath = "/v1/runs/sft-demo/ranks/0/layout?attempt=1";

    private const string Reports = "/v1/runs/sft-demo/ranks/0/reports";
    private Cluster _cluster = null!;
    private TestNode _node = null!;

    public async ValueTask InitializeAsync()
    {
        _cluster = await Cluster.StartAsync();
        _node = await _cluster.StartNodeAsync();
        await _node.Trainer(new Rank(0), 1).JoinAsync("first");
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Theory]
    [InlineData("/v1/runs/..%2f..%2fetc/ranks/0/join")]
    [InlineData("/v1/runs/%2e%2e/ranks/0/join")]
    [InlineData("/v1/runs/Upper/ranks/0/join")]
    [InlineData("/v1/runs/-a/ranks/0/join")]
    [InlineData("/v1/runs/sft-demo/ranks/-1/join")]
    [InlineData("/v1/runs/sft-demo/ranks/1000000/join")]
    [InlineData("/v1/runs/sft-demo/ranks/0x1/join")]
    [InlineData("/v1/runs/sft-demo/ranks/..%2f0/join")]
    [InlineData("/v1/runs/sft-demo/ranks/0/snapshots/..%2f1/seal")]
    [InlineData("/v1/runs/sft-demo/ranks/0/snapshots/1e3/seal")]
    [InlineData("/v1/runs/sft-demo/ranks/99999999999999999999/join")]
    public async Task Ids_WithTricks_AreRefused(string path)
    {
        var before = Entries();
        var (status, code) = await PostAsync(path, """{"incarnation":"a","world_size":1,"attempt":1,"captured_bytes":0}""");

        Assert.True(status is HttpStatusCode.BadRequest or HttpStatusCode.NotFound, $"{status}");
        Assert.True(code is "invalid_request" or "not_found", code);
        Assert.Equal(before, Entries());
    }

    [Theory]
    [InlineData("{", "invalid_request")]
    [InlineData("null", "invalid_request")]
    [InlineData("[]", "invalid_request")]
    [InlineData("""{"attempt":"1","reports":[]}""", "invalid_request")]
    [InlineData("""{"attempt":0,"reports":[]}""", "invalid_request")]
    [InlineData("""{"attempt":1,"reports":null}""", "invalid_request")]
    [InlineData("""{"attempt":1,"reports":[null]}""", "invalid_request")]
    [InlineData("""{"attempt":1,"reports":[{"step":0}]}""", "invalid_request")]
    [InlineData("""{"attempt":1,"reports":[{"step":2},{"step":1}]}""", "step_out_of_order")]
    [InlineData("""{"attempt":1,"reports":[{"step":2},{"step":2}]}""", "step_out_of_order")]
    public async Task Reports_ThatMakeNoSense_AreRefused(string body, string code) =>
        Assert.Equal(code, (await PostAsync(Reports, body)).Code);

    [Theory]
    [InlineData(RequestChecks.MaxReports, null)]
    [InlineData(RequestChecks.MaxReports + 1, "limit_exceeded")]
    public async Task Reports_TooMany_AreRefused(int count, string? code)
    {
        var reports = string.Join(",", Enumerable.Range(1, count).Select(step => $$"""{"step":{{step}}}"""));
        Assert.Equal(code, (await PostAsync(Reports, $$"""{"attempt":1,"reports":[{{reports}}]}""")).Code);
    }

    [Theory]
    [InlineData(RequestChecks.MaxCursorBytes, null)]
    [InlineData(RequestChecks.MaxCursorBytes + 1, "limit_exceeded")]
    public async Task Reports_CursorTooLong_AreRefused(int bytes, string? code)
    {
        var cursor = new string('x', bytes - 2);
        Assert.Equal(code, (await PostAsync(Reports, $$"""{"attempt":1,"reports":[{"step":1,"data_cursor":"{{cursor}}"}]}""")).Code);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Body_TooLong_IsRefusedWhetherAnnouncedOrNot(bool announced)
    {
        var body = new byte[TrainerEndpoints.MaxJsonBytes + 1];
        body.AsSpan().Fill((byte)' ');
        Assert.Equal("limit_exceeded", (await SendAsync(HttpMethod.Post, "/v1/runs/sft-demo/ranks/0/join", body, announced)).Code);
    }

    [Fact]
    public async Task Layout_AnnouncedTooLong_IsRefused() => Assert.Equal(
        "limit_exceeded", (await SendAsync(HttpMethod.Put, LayoutPath, new byte[Layout.MaxBytes + 1])).Code);

    // The agent answers and hangs up in the middle of the body; whether the client, still writing, gets to read the answer
    // is up to the kernel.
    [Fact]
    public async Task Layout_TooLongUnannounced_IsRefusedOrCutOff()
    {
        try
        {
            var answer = await SendAsync(HttpMethod.Put, LayoutPath, new byte[Layout.MaxBytes + 1], announced: false);
            Assert.Equal("limit_exceeded", answer.Code);
        }
        catch (HttpRequestException e) when (e.InnerException is IOException)
        {
            Assert.Equal("layout_invalid", (await SendAsync(HttpMethod.Put, LayoutPath, "not json"u8.ToArray())).Code);
        }
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""")]
    public async Task Layout_Invalid_IsNamed(string layout) => Assert.Equal(
        "layout_invalid",
        (await SendAsync(HttpMethod.Put, LayoutPath, Encoding.UTF8.GetBytes(layout))).Code);

    [Theory]
    [InlineData("?attempt=1&until=sealed&wait_ms=30001", "invalid_request")]
    [InlineData("?attempt=1&until=sealed&wait_ms=-1", "invalid_request")]
    [InlineData("?attempt=1&until=SEALED", "invalid_request")]
    [InlineData("?attempt=1&until=1", "invalid_request")]
    [InlineData("?until=sealed", "invalid_request")]
    [InlineData("?attempt=abc", "invalid_request")]
    [InlineData("?attempt=1&until=sealed", "not_found")]
    public async Task Status_ThatMakesNoSense_IsRefused(string query, string code)
    {
        var world = new TestWorld(1);
        await _node.Trainer(new Rank(0), 1).RegisterAsync(world.LayoutOf(new Rank(0)));
        using var response = await _node.Trainers.GetAsync(
            new Uri($"/v1/runs/sft-demo/ranks/0/snapshots/1{query}", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(code, await CodeAsync(response));
    }

    [Theory]
    [InlineData("/metrics")]
    [InlineData("/healthz/live")]
    [InlineData("/v1/images/sft-demo/0/40.1")]
    [InlineData("/nothing")]
    public async Task Socket_GivesNothingOfTheNetwork(string path)
    {
        using var response = await _node.Trainers.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("not_found", await CodeAsync(response));
    }

    [Theory]
    [InlineData("/v1/agent")]
    [InlineData("/v1/runs/sft-demo/ranks/0/snapshots/1?attempt=1")]
    public async Task Network_GivesNothingOfTrainers(string path)
    {
        using var response = await _node.Network.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("not_found", await CodeAsync(response));
    }

    private string[] Entries() =>
        Directory.GetFileSystemEntries(_cluster.Folder.Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToArray();

    private Task<(HttpStatusCode Status, string? Code)> PostAsync(string path, string body) =>
        SendAsync(HttpMethod.Post, path, Encoding.UTF8.GetBytes(body));

    private async Task<(HttpStatusCode Status, string? Code)> SendAsync(
        HttpMethod method, string path, byte[] body, bool announced = true)
    {
        using var request = new HttpRequestMessage(method, new Uri("http://agent" + path, new UriCreationOptions
        {
            DangerousDisablePathAndQueryCanonicalization = true,
        }));
        request.Content = announced ? new ByteArrayContent(body) : new StreamContent(new UnknownLength(body));
        // Who announces too long a body and asks first is told before sending it.
        request.Headers.ExpectContinue = announced;
        using var response = await _node.Trainers.SendAsync(request, TestContext.Current.CancellationToken);
        return (response.StatusCode, await CodeAsync(response));
    }

    private static async Task<string?> CodeAsync(HttpResponseMessage response)
    {
        if (response.IsSuccessStatusCode)
        {
            return null;
        }

        Assert.Equal(Problem.MediaType, response.Content.Headers.ContentType?.MediaType);
        var bytes = await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        return JsonSerializer.Deserialize(bytes, ContractsJsonContext.Default.Problem)!.Code;
    }

    private sealed class UnknownLength(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }
}
