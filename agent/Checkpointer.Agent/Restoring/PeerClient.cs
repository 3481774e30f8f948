namespace Checkpointer.Agent.Restoring;

/// <summary>The HTTP client for other agents: follows no redirect, keeps connections to a peer within bounds.</summary>
internal sealed class PeerClient(HttpClient http) : IDisposable
{
    private const int ConnectionsPerPeer = 16;

    /// <summary>The client; each call sets its own time limit.</summary>
    public HttpClient Http => http;

    /// <summary>The client as agents use it.</summary>
    public static PeerClient Create() => new(new HttpClient(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseProxy = false,
        UseCookies = false,
        ConnectTimeout = TimeSpan.FromSeconds(3),
        MaxConnectionsPerServer = ConnectionsPerPeer,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    });

    public void Dispose() => http.Dispose();
}
