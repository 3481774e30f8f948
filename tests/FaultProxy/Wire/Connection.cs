using System.Net;
using System.Net.Sockets;

namespace Checkpointer.FaultProxy.Wire;

/// <summary>One TCP connection, of either side.</summary>
internal sealed class Connection : IDisposable
{
    private readonly Socket _socket;

    public Connection(Socket socket)
    {
        _socket = socket;
        _socket.NoDelay = true;
        Reader = new WireReader(socket);
    }

    public WireReader Reader { get; }

    /// <summary>Whether the peer closed it, as a server does with an idle one.</summary>
    public bool IsStale => _socket.Poll(0, SelectMode.SelectRead) && _socket.Available == 0;

    public static async Task<Connection> OpenAsync(EndPoint server, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(server, cancellationToken);
            return new Connection(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await _socket.SendAsync(bytes, SocketFlags.None, cancellationToken)..];
        }
    }

    /// <summary>Ends it at once with a TCP reset: what was sent and not yet read may be lost, too.</summary>
    public void Reset()
    {
        try
        {
            _socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }
        catch (ObjectDisposedException)
        {
            // It ended by itself at the same moment.
        }

        _socket.Dispose();
    }

    /// <summary>Reads and forgets until the peer goes away.</summary>
    public async Task UntilGoneAsync(CancellationToken cancellationToken)
    {
        var nothing = new byte[64 << 10];
        try
        {
            while (await _socket.ReceiveAsync(nothing, SocketFlags.None, cancellationToken) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // A reset is one way to go.
        }
    }

    /// <summary>Ends it in good order.</summary>
    public void Dispose()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // It was gone already.
        }

        _socket.Dispose();
    }
}
