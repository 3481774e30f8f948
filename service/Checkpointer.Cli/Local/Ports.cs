using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Checkpointer.Cli.Local;

/// <summary>Free loopback ports.</summary>
internal static class Ports
{
    // Below what Linux hands out to outgoing connections (ip_local_port_range), so that a server that is killed and
    // started again finds its port free.
    private const int Lowest = 10_000;
    private const int Highest = 32_000;
    private const int MaxTries = 1_000;

    /// <summary>
    /// <paramref name="count"/> different ports that were free just now: all are held until all are found. Another
    /// process may still take one before it is used; its user then fails to start and says so.
    /// </summary>
    public static IReadOnlyList<int> Free(int count)
    {
        var held = new List<TcpListener>();
        try
        {
            for (var tries = 0; held.Count < count; tries++)
            {
                if (tries == MaxTries)
                {
                    throw new CliException($"Of {MaxTries} ports between {Lowest} and {Highest} none was free.", ExitCode.Environment);
                }

                TryHold(RandomNumberGenerator.GetInt32(Lowest, Highest), held);
            }

            return [.. held.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        }
        finally
        {
            held.ForEach(listener => listener.Dispose());
        }
    }

    private static void TryHold(int port, List<TcpListener> held)
    {
        var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            held.Add(listener);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
        {
            listener.Dispose();
        }
    }
}
