using System.Net.Sockets;

namespace Checkpointer.FaultProxy.Wire;

/// <summary>Reads heads and bodies from a connection through one fixed buffer. One reader at a time.</summary>
internal sealed class WireReader(Socket socket)
{
    private const int MaxHeadBytes = 64 << 10;
    private readonly byte[] _buffer = new byte[MaxHeadBytes];
    private int _begin;
    private int _end;

    /// <summary>All bytes of the next head, or null where the peer closed the connection before one.</summary>
    public async Task<byte[]?> ReadHeadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var found = _buffer.AsSpan(_begin, _end - _begin).IndexOf("\r\n\r\n"u8);
            if (found >= 0)
            {
                var head = _buffer.AsSpan(_begin, found + 4).ToArray();
                _begin += found + 4;
                return head;
            }

            if (!await FillAsync(cancellationToken))
            {
                return _begin == _end ? null : throw new WireException("a connection ended within a head");
            }
        }
    }

    /// <summary>A line of a chunked body's framing, with its end.</summary>
    public async Task<ReadOnlyMemory<byte>> ReadLineAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var found = _buffer.AsSpan(_begin, _end - _begin).IndexOf("\r\n"u8);
            if (found >= 0)
            {
                return Take(found + 2);
            }

            if (!await FillAsync(cancellationToken))
            {
                throw new WireException("a connection ended within a chunk's length");
            }
        }
    }

    /// <summary>Some bytes, at most <paramref name="max"/>, valid until the next call; empty at the end.</summary>
    public async ValueTask<Memory<byte>> ReadSomeAsync(long max, CancellationToken cancellationToken)
    {
        if (_begin == _end && !await FillAsync(cancellationToken))
        {
            return Memory<byte>.Empty;
        }

        return Take((int)Math.Min(max, _end - _begin));
    }

    private Memory<byte> Take(int count)
    {
        var taken = _buffer.AsMemory(_begin, count);
        _begin += count;
        return taken;
    }

    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        if (_begin > 0)
        {
            _buffer.AsSpan(_begin, _end - _begin).CopyTo(_buffer);
            (_begin, _end) = (0, _end - _begin);
        }

        if (_end == _buffer.Length)
        {
            throw new WireException($"a head of more than {MaxHeadBytes} bytes");
        }

        var count = await socket.ReceiveAsync(_buffer.AsMemory(_end), SocketFlags.None, cancellationToken);
        _end += count;
        return count > 0;
    }
}
