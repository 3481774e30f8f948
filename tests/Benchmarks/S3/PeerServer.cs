using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Benchmarks.S3;

/// <summary>
/// Lets the trainer's side have peers measured between its own rounds: GET on loopback, a number as text in return.
/// </summary>
internal sealed class PeerServer : IAsyncDisposable
{
    // Deleted objects give their memory back in the background: not while something is measured.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(5);
    private readonly WebApplication _app;

    private PeerServer(WebApplication app) => _app = app;

    /// <summary>Where it listens.</summary>
    public Uri Address => new(_app.Urls.Single());

    /// <summary>
    /// <c>/raw_put?bytes=N</c>, <c>/sdk_put?bytes=N</c> and <c>/raw_get?warm=B</c>: seconds. <c>/allocated</c>: bytes that
    /// the agent has allocated since it started. <c>/forget</c>: deletes the packs of the run. <c>/settle</c>: waits.
    /// </summary>
    public static async Task<PeerServer> StartAsync(S3Peer peer, string packs, Uri agent, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.MapGet("/raw_put", async (long bytes, CancellationToken token) => Text(await peer.RawPutAsync(bytes, token)));
        app.MapGet("/sdk_put", async (long bytes, CancellationToken token) => Text(await peer.SdkPutAsync(bytes, token)));
        app.MapGet("/raw_get", async (bool warm, CancellationToken token) => Text(await peer.RawGetAsync(packs, warm, token)));
        app.MapGet("/allocated", async (CancellationToken token) => Text(await AgentMetrics.AllocatedBytesAsync(agent, token)));
        app.MapGet("/settle", async (CancellationToken token) =>
        {
            await Task.Delay(Settling, token);
            return Text(0);
        });
        app.MapGet("/forget", async (CancellationToken token) =>
        {
            await peer.DeleteAsync(packs, token);
            return Text(0);
        });
        await app.StartAsync(cancellationToken);
        return new PeerServer(app);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static IResult Text(double value) => Results.Text(value.ToString("R", CultureInfo.InvariantCulture));
}
