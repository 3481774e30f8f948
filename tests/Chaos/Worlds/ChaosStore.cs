using System.Net;
using Checkpointer.Cli.Local;
using Checkpointer.FaultProxy;
using Checkpointer.FaultProxy.Faults;
using Checkpointer.Storage;

namespace Checkpointer.Chaos.Worlds;

/// <summary>The store: a folder, or an S3 server behind a proxy that spoils some of the requests, or the user's own.</summary>
internal sealed class ChaosStore : IAsyncDisposable
{
    private const double SpoiledShare = 0.03;
    private const long GatewayBytes = 8L << 30;
    private const int MostObjectBytes = 256 << 20;

    private static readonly FaultKind[] Spoils =
    [
        FaultKind.InternalError, FaultKind.SlowDown, FaultKind.ResetBefore, FaultKind.ResetInRequest, FaultKind.LostAnswer,
        FaultKind.ResetInResponse, FaultKind.ShortBody,
    ];

    private readonly LocalStore? _gateway;
    private readonly FaultProxyServer? _proxy;
    private readonly IObjectStore _store;

    private ChaosStore(LocalStore local, LocalStore? gateway, FaultProxyServer? proxy)
    {
        (Local, _gateway, _proxy) = (local, gateway, proxy);
        _store = ObjectStores.OpenResilient(new StoreOptions { Url = local.Url }, TimeProvider.System, new Random(0));
    }

    /// <summary>The store, as the cluster's processes are given it.</summary>
    public LocalStore Local { get; }

    /// <summary>Whether it needs no network.</summary>
    public bool IsFolder => Local.Kind == LocalStore.Folder;

    /// <summary>Requests that the proxy has spoiled.</summary>
    public long Spoiled => _proxy?.Counts.ByName().Values.Sum() ?? 0;

    /// <summary>Opens <paramref name="place"/>: <c>folder</c>, <c>s3</c> or a URL.</summary>
    public static async Task<ChaosStore> OpenAsync(
        string place, int seed, SourceTree source, LocalWorkspace workspace, Action<string> say, CancellationToken cancellationToken)
    {
        if (place == LocalStore.Folder)
        {
            return new ChaosStore(LocalStore.InFolder(workspace), null, null);
        }

        if (place != LocalStore.S3)
        {
            return new ChaosStore(LocalStore.Inside(new StoreOptions { Url = place }, null, keep: false, TimeProvider.System), null, null);
        }

        var gateway = await LocalStore.OnGatewayAsync(source, workspace, GatewayBytes, say, TimeProvider.System, cancellationToken);
        var endpoint = new Uri(gateway.Url.Split("endpoint=")[1].Split('&')[0]);
        var proxy = FaultProxyServer.Start(
            new FaultProxyOptions { Upstream = new IPEndPoint(IPAddress.Loopback, endpoint.Port) },
            FaultPlan.Seeded(seed, SpoiledShare, Spoils));
        var url = gateway.Url.Replace(endpoint.Authority, proxy.Address.ToString(), StringComparison.Ordinal);
        var inside = LocalStore.Inside(new StoreOptions { Url = url }, null, keep: true, TimeProvider.System);
        return new ChaosStore(inside, gateway, proxy);
    }

    /// <summary>
    /// Flips one bit in the middle of an object whose key begins with <paramref name="prefix"/> and ends with
    /// <paramref name="ending"/>; its key, once the store has been seen to hold it so. Null if there is none.
    /// </summary>
    public async Task<string?> FlipAsync(string prefix, string ending, CancellationToken cancellationToken)
    {
        await foreach (var found in _store.ListAsync(prefix, cancellationToken))
        {
            if (!found.Key.Value.EndsWith(ending, StringComparison.Ordinal))
            {
                continue;
            }

            var bytes = await _store.ReadAllAsync(found.Key, MostObjectBytes, cancellationToken);
            bytes[bytes.Length / 2] ^= 1;
            await _store.PutAsync(found.Key, new ObjectContent(bytes), cancellationToken);
            var after = await _store.ReadAllAsync(found.Key, MostObjectBytes, cancellationToken);
            return after.AsSpan().SequenceEqual(bytes) ? found.Key.Value : null;
        }

        return null;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Local.DisposeAsync();
        await (_proxy?.DisposeAsync() ?? ValueTask.CompletedTask);
        await (_gateway?.DisposeAsync() ?? ValueTask.CompletedTask);
    }
}
