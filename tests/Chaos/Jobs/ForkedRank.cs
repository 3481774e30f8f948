using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Checkpointer.Chaos.Judging;

namespace Checkpointer.Chaos.Jobs;

/// <summary>One rank that a node's fork server has started.</summary>
internal sealed class ForkedRank
{
    private ForkedRank(int pid, Task<int?> ended) => (Pid, Ended) = (pid, ended);

    /// <summary>Its process id.</summary>
    public int Pid { get; }

    /// <summary>Its exit status, once it has ended; null if its node died.</summary>
    public Task<int?> Ended { get; }

    /// <summary>Starts one; null if the node died meanwhile.</summary>
    public static async Task<ForkedRank?> StartAsync(string forkServer, ForkOrder order, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(forkServer), cancellationToken);
            var stream = new NetworkStream(socket, ownsSocket: true);
            await JsonSerializer.SerializeAsync(stream, order, ChaosJsonContext.Wire.ForkOrder, cancellationToken);
            stream.WriteByte((byte)'\n');
            var lines = new StreamReader(stream);
            var first = await lines.ReadLineAsync(cancellationToken);
            return first is null ? null : new ForkedRank(Number(first), EndAsync(lines));
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            socket.Dispose();
            return null;
        }
    }

    private static async Task<int?> EndAsync(StreamReader lines)
    {
        using (lines)
        {
            try
            {
                return await lines.ReadLineAsync() is { } status ? Number(status) : null;
            }
            catch (IOException)
            {
                return null;
            }
        }
    }

    private static int Number(string line) => int.Parse(line, CultureInfo.InvariantCulture);
}

/// <summary>What a fork server is told: one rank.</summary>
internal sealed record ForkOrder(IReadOnlyDictionary<string, string> Environment, IReadOnlyList<string> Arguments, string Log);
