using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Checkpointer.Agent.Tests.Worlds;

namespace Checkpointer.Agent.Tests.Presences;

/// <summary>A trainer's presence as bytes on the agent's socket. Disposing breaks it off.</summary>
internal sealed class PresenceConnection : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Connects and says <paramref name="first"/>; nothing of the answer is read yet.</summary>
    public static async Task<PresenceConnection> OpenAsync(string socket, int rank, string first)
    {
        var connection = new PresenceConnection();
        await connection._socket.ConnectAsync(new UnixDomainSocketEndPoint(socket), Cancel);
        await connection.SendAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"POST /v1/runs/{TestWorld.Run}/ranks/{rank}/presence HTTP/1.1\r\nHost: agent\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"));
        await connection.SayAsync(first);
        return connection;
    }

    /// <summary>One chunk of the body, as it is.</summary>
    public Task SayAsync(string text) =>
        SendAsync(string.Create(CultureInfo.InvariantCulture, $"{Encoding.UTF8.GetByteCount(text):x}\r\n{text}\r\n"));

    /// <summary>The end of the body.</summary>
    public Task EndAsync() => SendAsync("0\r\n\r\n");

    /// <summary>The head of the answer, and what of its body came with it.</summary>
    public async Task<string> ReadHeadAsync()
    {
        var text = "";
        while (!text.Contains("\r\n\r\n", StringComparison.Ordinal))
        {
            var buffer = new byte[4096];
            var length = await _socket.ReceiveAsync(buffer, Cancel).AsTask().WaitAsync(TimeSpan.FromSeconds(15), Cancel);
            Assert.True(length > 0, $"The answer ended: {text}");
            text += Encoding.UTF8.GetString(buffer, 0, length);
        }

        return text;
    }

    /// <summary>Whether the agent ends it.</summary>
    public async Task<bool> EndsAsync()
    {
        try
        {
            var buffer = new byte[4096];
            while (await _socket.ReceiveAsync(buffer, Cancel).AsTask().WaitAsync(TimeSpan.FromSeconds(15), Cancel) > 0)
            {
            }

            return true;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    public void Dispose() => _socket.Dispose();

    private async Task SendAsync(string text) => _ = await _socket.SendAsync(Encoding.UTF8.GetBytes(text), Cancel);
}
