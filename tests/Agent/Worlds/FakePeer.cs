using System.Net;
using System.Text.Json;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Images;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Identity;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Tests.Worlds;

/// <summary>Another agent that holds a world's images, as far as its peers can see, and that can be made to lie.</summary>
internal sealed class FakePeer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TestWorld _world;

    private FakePeer(TestWorld world)
    {
        _world = world;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.MapGet("/v1/images/{run}/{rank}/{checkpoint}", (Rank rank) =>
            Results.Json(DescriptionOf(Describe(rank)), ContractsJsonContext.Default.ImageDescription));
        _app.MapGet("/v1/images/{run}/{rank}/{checkpoint}/layout", (Rank rank) =>
            Results.Bytes(LayoutBytes(rank), "application/json"));
        _app.MapGet("/v1/images/{run}/{rank}/{checkpoint}/data", (HttpContext context, Rank rank) => Answer(context, rank));
    }

    /// <summary>Changes the bytes that it sends.</summary>
    public Action<Rank, byte[]> Mangle { get; set; } = (_, _) => { };

    /// <summary>Changes what it says of an image.</summary>
    public Func<ImageDescription, ImageDescription> DescriptionOf { get; set; } = description => description;

    /// <summary>The bytes of its layouts.</summary>
    public Func<Rank, byte[]> LayoutBytes { get; set; } = _ => [];

    /// <summary>Whether to break the connection instead of sending that range; asked once a read.</summary>
    public Func<string, bool> Cut { get; set; } = _ => false;

    /// <summary>Whether it pretends not to know ranges.</summary>
    public bool IgnoresRanges { get; set; }

    public string Address => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    public static async Task<FakePeer> StartAsync(TestWorld world)
    {
        var peer = new FakePeer(world) { LayoutBytes = rank => world.LayoutOf(rank).Utf8.ToArray() };
        await peer._app.StartAsync();
        return peer;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private IResult Answer(HttpContext context, Rank rank)
    {
        if (Cut(context.Request.Headers.Range.ToString()))
        {
            context.Abort();
        }

        var image = _world.ImageOf(rank);
        Mangle(rank, image);
        return Results.Bytes(image, "application/octet-stream", enableRangeProcessing: !IgnoresRanges);
    }

    private ImageDescription Describe(Rank rank)
    {
        var hashes = _world.HashesOf(_world.ImageOf(rank));
        var bytes = new byte[hashes.Length * ChunkHash.SizeBytes];
        for (var i = 0; i < hashes.Length; i++)
        {
            hashes[i].WriteTo(bytes.AsSpan(i * ChunkHash.SizeBytes));
        }

        return new ImageDescription
        {
            Checkpoint = TestWorld.Checkpoint,
            Image = _world.Sealed(rank),
            ChunkBytes = _world.ChunkBytes,
            ChunkHashes = bytes,
            Extra = JsonElement.Parse(TestWorld.Extra(rank)),
        };
    }
}
