using System.Security.Cryptography;
using Checkpointer.FaultProxy;
using Checkpointer.FaultProxy.Faults;

namespace Checkpointer.S3.Tests.Proxy;

/// <summary>A server, the proxy in front of it, and a client that repeats nothing by itself.</summary>
internal sealed class ProxyFixture : IAsyncDisposable
{
    private ProxyFixture(UpstreamServer server, FaultProxyServer proxy) => (Server, Proxy) = (server, proxy);

    public UpstreamServer Server { get; }

    public FaultProxyServer Proxy { get; }

    /// <summary>Each request on a connection of its own: on a kept one, .NET's client tries again what was reset.</summary>
    public HttpClient Client { get; } = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero });

    public static async Task<ProxyFixture> StartAsync(FaultPlan? plan = null)
    {
        var server = await UpstreamServer.StartAsync();
        var options = new FaultProxyOptions { Upstream = server.Address, DripBytes = 100, DripEvery = TimeSpan.FromMilliseconds(5) };
        return new ProxyFixture(server, FaultProxyServer.Start(options, plan ?? FaultPlan.None));
    }

    public Uri Url(string target) => new(Proxy.Endpoint, target);

    public async Task<HttpResponseMessage> PutAsync(string target, byte[] bytes, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, Url(target)) { Content = new ByteArrayContent(bytes) };
#pragma warning disable CA5351 // MD5 is what the protocol has against accidents.
        request.Content.Headers.ContentMD5 = MD5.HashData(bytes);
#pragma warning restore CA5351
        return await Client.SendAsync(request, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Proxy.DisposeAsync();
        await Server.DisposeAsync();
    }
}
