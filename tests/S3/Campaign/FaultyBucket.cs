using System.Net;
using Checkpointer.FaultProxy;
using Checkpointer.FaultProxy.Faults;
using Checkpointer.Storage;
using Checkpointer.TestKit.Ceph;

namespace Checkpointer.S3.Tests.Campaign;

/// <summary>A new bucket of the real gateway, the proxy in front of it, and stores that open it by either way.</summary>
internal sealed class FaultyBucket : IAsyncDisposable
{
    private readonly CephGateway _gateway;

    private FaultyBucket(CephGateway gateway, string name, FaultProxyServer proxy) =>
        (_gateway, Name, Proxy) = (gateway, name, proxy);

    public string Name { get; }

    public FaultProxyServer Proxy { get; }

    public static async Task<FaultyBucket> NewAsync(CancellationToken cancellationToken)
    {
        var gateway = await CephGateway.GetAsync(cancellationToken);
        var upstream = new IPEndPoint(IPAddress.Loopback, gateway.Endpoint.Port);
        return new FaultyBucket(
            gateway,
            await gateway.NewBucketAsync(cancellationToken),
            FaultProxyServer.Start(new FaultProxyOptions { Upstream = upstream }, FaultPlan.None));
    }

    /// <summary>The store that every process opens, through the proxy. Every put carries a digest, so that the server can refuse wrong bytes.</summary>
    public IObjectStore OpenResilient(TimeProvider time, int seed) =>
        ObjectStores.OpenResilient(Options(Proxy.Endpoint), time, new Random(seed));

    /// <summary>The plain store through the proxy: each call is one request, and its failure is what that request met.</summary>
    public IObjectStore OpenPlain(TimeProvider? time = null) =>
        ObjectStores.Open(Options(Proxy.Endpoint), time ?? TimeProvider.System);

    /// <summary>The plain store at the gateway itself: the truth.</summary>
    public IObjectStore OpenDirect() => ObjectStores.Open(Options(_gateway.Endpoint), TimeProvider.System);

    /// <summary>How to open it at an endpoint.</summary>
    public StoreOptions Options(Uri endpoint) => new() { Url = Url(endpoint, _gateway.CredentialsFile) };

    /// <summary>Its URL at an endpoint, with keys of one's own.</summary>
    public string Url(Uri endpoint, string credentialsFile) =>
        $"s3://{Name}/campaign?endpoint={endpoint.GetLeftPart(UriPartial.Authority)}&region={_gateway.Region}"
        + $"&credentials_file={credentialsFile}&checksum=md5";

    public async ValueTask DisposeAsync()
    {
        await Proxy.DisposeAsync();
        await _gateway.DeleteBucketAsync(Name, CancellationToken.None);
    }
}
