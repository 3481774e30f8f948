using System.Net;
using System.Net.ServerSentEvents;
using System.Text.Json;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Problems;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Service.Notifying;
using Checkpointer.Service.Tests.Driving;

namespace Checkpointer.Service.Tests.Notifying;

/// <summary>Server-sent events of a real service.</summary>
public sealed class IncidentStreamTests : IAsyncLifetime
{
    private NotifyingWorld _world = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _world = await NotifyingWorld.StartAsync(null, "demo", "other");

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task Stream_WithoutAnId_BeginsWithWhatIsRaisedFromThenOn()
    {
        await _world.RaiseAsync("before");
        using var stream = await OpenAsync();
        await _world.RaiseAsync("after", "other");
        var told = Assert.Single(await ReadAsync(stream, 1));
        Assert.Equal(("incident", "other", "after"), (told.Type, told.Notice.Run.Value, told.Notice.Incident.Node));
    }

    [Fact]
    public async Task Stream_BehindAnId_MissesNothingAndRepeatsNothing_AcrossRuns()
    {
        await _world.RaiseAsync("a", "other");
        await _world.RaiseAsync("b");
        await _world.RaiseAsync("c", "other");
        using var all = await OpenAsync("v1/incidents/stream", "0");
        var told = await ReadAsync(all, 3);
        Assert.Equal(["a", "b", "c"], told.Select(each => each.Notice.Incident.Node).Order());
        for (var seen = 0; seen < 3; seen++)
        {
            using var rest = await OpenAsync("v1/incidents/stream", told[seen].Id);
            await _world.RaiseAsync($"then-{seen}");
            var expected = told.Skip(seen + 1).Select(each => each.Notice.Incident.Node)
                .Concat(Enumerable.Range(0, seen + 1).Select(i => $"then-{i}")).ToList();
            Assert.Equal(expected, (await ReadAsync(rest, expected.Count)).Select(each => each.Notice.Incident.Node));
        }
    }

    [Fact]
    public async Task Stream_OfOneRun_IsOfThatRunOnly()
    {
        await _world.RaiseAsync("a");
        using var stream = await OpenAsync("v1/runs/other/incidents/stream", "0");
        await _world.RaiseAsync("b");
        await _world.RaiseAsync("c", "other");
        Assert.Equal("c", Assert.Single(await ReadAsync(stream, 1)).Notice.Incident.Node);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("-1")]
    [InlineData("1.demo")]
    public async Task Stream_BehindWhatIsNoId_IsRefused(string id)
    {
        using var response = await SendAsync("v1/incidents/stream", id);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(ErrorCode.InvalidRequest, (await ProblemReader.ReadAsync(response, Cancel)).Code);
    }

    [Fact]
    public async Task Streams_AreBounded_AndAPlaceThatIsLeftIsFree()
    {
        var streams = new List<HttpResponseMessage>();
        for (var i = 0; i < IncidentStream.MaxStreams; i++)
        {
            streams.Add(await OpenAsync());
        }

        using (var refused = await SendAsync("v1/incidents/stream", null))
        {
            var problem = await ProblemReader.ReadAsync(refused, Cancel);
            Assert.Equal((HttpStatusCode.ServiceUnavailable, ErrorCode.ServiceUnavailable, true), (refused.StatusCode, problem.Code, problem.IsTransient));
        }

        streams[0].Dispose();
        streams[0] = await Eventually.GetAsync(() => SendAsync("v1/incidents/stream", null), response => response.IsSuccessStatusCode, Cancel);
        await _world.RaiseAsync("a");
        foreach (var stream in streams)
        {
            Assert.Equal("a", Assert.Single(await ReadAsync(stream, 1)).Notice.Incident.Node);
            stream.Dispose();
        }
    }

    [Fact]
    public async Task Stream_EndsWithTheService_AndGoesOnAtTheNext()
    {
        using var stream = await OpenAsync("v1/incidents/stream", "0");
        await _world.RaiseAsync("a");
        var seen = Assert.Single(await ReadAsync(stream, 1));
        await _world.Service.DisposeAsync();
        await _world.StartServiceAsync(null);
        await _world.RaiseAsync("b");
        using var rest = await OpenAsync("v1/incidents/stream", seen.Id);
        Assert.Equal("b", Assert.Single(await ReadAsync(rest, 1)).Notice.Incident.Node);
    }

    private async Task<HttpResponseMessage> OpenAsync(string path = "v1/incidents/stream", string? lastId = null)
    {
        var response = await SendAsync(path, lastId);
        await ProblemReader.EnsureSuccessAsync(response, Cancel);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return response;
    }

    private async Task<HttpResponseMessage> SendAsync(string path, string? lastId)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
        if (lastId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastId);
        }

        return await _world.Service.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
    }

    private static async Task<List<Told>> ReadAsync(HttpResponseMessage response, int count)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        deadline.CancelAfter(TimeSpan.FromSeconds(20));
        var parser = SseParser.Create(await response.Content.ReadAsStreamAsync(deadline.Token));
        var told = new List<Told>();
        await foreach (var item in parser.EnumerateAsync(deadline.Token))
        {
            told.Add(new Told(item.EventId!, item.EventType, JsonSerializer.Deserialize(item.Data, ContractsJsonContext.Default.IncidentNotice)!));
            if (told.Count == count)
            {
                break;
            }
        }

        return told;
    }

    private sealed record Told(string Id, string Type, IncidentNotice Notice);
}
