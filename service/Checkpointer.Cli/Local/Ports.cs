using System.Net;
using System.Net.Sockets;

namespace Checkpointer.Cli.Local;

/// <summary>Free loopback ports.</summary>
internal static class Ports
{
    /// <summary>
    /// <paramref name="count"/> different ports that were free just now: all are held until all are found. Another
    /// process may still take one before it is used; its user then fails to start and says so.
    /// </summary>
    public static IReadOnlyList<int> Free(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToList();
        try
        {
            listeners.ForEach(listener => listener.Start());
            return [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        }
        finally
        {
            listeners.ForEach(listener => listener.Dispose());
        }
    }
}
