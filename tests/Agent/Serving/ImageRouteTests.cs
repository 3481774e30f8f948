using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Checkpointer.Agent.Tests.Nodes;
using Checkpointer.Agent.Tests.Worlds;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Problems;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Tests.Serving;

public sealed class ImageRouteTests : IAsyncLifetime
{
    private const string Image = "/v1/images/sft-demo/0/40.1";
    private readonly TestWorld _world = new(1);
    private Cluster _cluster = null!;
    private TestNode _node = null!;

    private byte[] Bytes => _world.ImageOf(new Rank(0));

    public async ValueTask InitializeAsync()
    {
        _cluster = await Cluster.StartAsync();
        _node = await _cluster.StartNodeAsync();
        await _cluster.SaveAsync(_world, _node);
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Description_NamesEveryChunk()
    {
        using var response = await GetAsync(Image);
        var description = JsonSerializer.Deserialize(
            await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken),
            ContractsJsonContext.Default.ImageDescription)!;
        Assert.Equal(TestWorld.Checkpoint, description.Checkpoint);
        Assert.Equal(_world.RootOf(Bytes), description.Image.Root);
        Assert.Equal(16 * _world.HashesOf(Bytes).Length, description.ChunkHashes.Length);
        Assert.Equal(0, description.Extra!.Value.GetProperty("data_cursor").GetInt32());
    }

    [Fact]
    public async Task Layout_IsByteForByteWhatTheTrainerSent()
    {
        using var response = await GetAsync(Image + "/layout");
        Assert.Equal(
            _world.LayoutOf(new Rank(0)).Utf8.ToArray(),
            await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Data_WithoutRange_IsWhole()
    {
        using var response = await GetAsync(Image + "/data");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(Bytes, await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("bytes=0-0", 0, 1)]
    [InlineData("bytes=1024-2047", 1024, 1024)]
    [InlineData("bytes=1000-", 1000, -1)]
    [InlineData("bytes=-10", -10, 10)]
    [InlineData("bytes=5-99999999999", 5, -1)]
    public async Task Data_WithRange_IsThatRange(string range, int from, int length)
    {
        var image = Bytes;
        from = from < 0 ? image.Length + from : from;
        length = length < 0 ? image.Length - from : length;
        using var response = await GetAsync(Image + "/data", range);

        Assert.Equal(HttpStatusCode.PartialContent, response.StatusCode);
        Assert.Equal(new ContentRangeHeaderValue(from, from + length - 1, image.Length), response.Content.Headers.ContentRange);
        Assert.Equal(
            image[from..(from + length)], await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("bytes=99999999-")]
    [InlineData("bytes=-0")]
    [InlineData("bytes=0-1,5-6")]
    [InlineData("bytes=9-5")]
    [InlineData("lines=1-2")]
    [InlineData("nonsense")]
    public async Task Data_WithARangeThatCannotBe_Is416(string range)
    {
        using var response = await GetAsync(Image + "/data", range);
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, response.StatusCode);
        Assert.Equal(Bytes.Length, response.Content.Headers.ContentRange!.Length);
        Assert.Equal("invalid_request", await CodeAsync(response));
    }

    [Theory]
    [InlineData("/v1/images/sft-demo/0/41.1", "not_found")]
    [InlineData("/v1/images/sft-demo/0/40.2/data", "not_found")]
    [InlineData("/v1/images/sft-demo/1/40.1/layout", "not_found")]
    [InlineData("/v1/images/other/0/40.1", "not_found")]
    [InlineData("/v1/images/sft-demo/0/40", "invalid_request")]
    [InlineData("/v1/images/Sft/0/40.1", "invalid_request")]
    public async Task WhatIsNotHeld_IsSaid(string path, string code)
    {
        using var response = await GetAsync(path);
        Assert.Equal(code, await CodeAsync(response));
    }

    [Fact]
    public async Task Data_ReadersThatGoAway_GiveTheirPlacesBack()
    {
        await _cluster.StopNodeAsync(_node);
        _node = await _cluster.StartNodeAsync(change: options => options with { MaxPeerReads = 1 });
        for (var i = 0; i < 8; i++)
        {
            // Has the headers, and goes without having read the bytes.
            using var left = await _node.Network.GetAsync(
                new Uri(Image + "/data", UriKind.Relative),
                HttpCompletionOption.ResponseHeadersRead,
                TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, left.StatusCode);
            using var refused = await GetAsync("/v1/images/sft-demo/0/41.1/data");
            Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
        }
    }

    private async Task<HttpResponseMessage> GetAsync(string path, string? range = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
        if (range is not null)
        {
            request.Headers.TryAddWithoutValidation("Range", range);
        }

        return await _node.Network.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private static async Task<string> CodeAsync(HttpResponseMessage response)
    {
        Assert.Equal(Problem.MediaType, response.Content.Headers.ContentType?.MediaType);
        var bytes = await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        return JsonSerializer.Deserialize(bytes, ContractsJsonContext.Default.Problem)!.Code;
    }
}
