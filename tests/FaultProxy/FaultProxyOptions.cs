using System.Net;

namespace Checkpointer.FaultProxy;

/// <summary>Where the proxy listens and what lies behind it.</summary>
public sealed record FaultProxyOptions
{
    /// <summary>The real server.</summary>
    public required IPEndPoint Upstream { get; init; }

    /// <summary>Where it listens: loopback. Port 0 is a free one.</summary>
    public IPEndPoint Listen { get; init; } = new(IPAddress.Loopback, 0);

    /// <summary>The size of a drip.</summary>
    public int DripBytes { get; init; } = 16 << 10;

    /// <summary>The time between drips.</summary>
    public TimeSpan DripEvery { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>How long the rest of a request's body is waited for once the server has answered.</summary>
    public TimeSpan BodyAfterAnswer { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Whether requests to <see cref="FaultProxyServer.ControlPath"/> are for the proxy itself.</summary>
    public bool HasControl { get; init; }
}
