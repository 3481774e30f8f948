using System.Globalization;
using System.Text;
using Checkpointer.FaultProxy.Wire;

namespace Checkpointer.FaultProxy.Relaying;

/// <summary>Passes one body on, piece by piece as it comes, framing included.</summary>
internal sealed class BodyCopy(
    WireReader from, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> write, FaultProxyOptions options)
{
    /// <summary>Copies to the end, or to where it is cut: then false.</summary>
    public async Task<bool> RunAsync(BodyFraming framing, Tampering tampering, CancellationToken cancellationToken)
    {
        switch (framing.Kind)
        {
            case BodyKind.None:
                return true;
            case BodyKind.Length:
                return await CopyAsync(framing.Length, tampering, cancellationToken);
            case BodyKind.Chunked:
                await CopyChunksAsync(cancellationToken);
                return true;
            default:
                await CopyUntilCloseAsync(cancellationToken);
                return true;
        }
    }

    private async Task<bool> CopyAsync(long length, Tampering tampering, CancellationToken cancellationToken)
    {
        var end = Math.Min(length, tampering.CutAt ?? length);
        var piece = tampering.Drips ? options.DripBytes : int.MaxValue;
        for (long at = 0; at < end;)
        {
            var bytes = await from.ReadSomeAsync(Math.Min(piece, end - at), cancellationToken);
            if (bytes.IsEmpty)
            {
                throw new WireException($"a connection ended {length - at} bytes before a body did");
            }

            if (tampering.FlipAt is { } flip && flip >= at && flip < at + bytes.Length)
            {
                bytes.Span[(int)(flip - at)] ^= 0x10;
            }

            await write(bytes, cancellationToken);
            at += bytes.Length;
            if (tampering.Drips)
            {
                await Task.Delay(options.DripEvery, cancellationToken);
            }
        }

        return end == length;
    }

    private async Task CopyChunksAsync(CancellationToken cancellationToken)
    {
        for (var last = false; !last;)
        {
            var line = await from.ReadLineAsync(cancellationToken);
            var digits = Encoding.ASCII.GetString(line.Span).Split(';')[0].Trim();
            if (!long.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var length))
            {
                throw new WireException($"chunk length {digits}");
            }

            await write(line, cancellationToken);
            last = length == 0;
            if (!last)
            {
                await CopyAsync(length, default, cancellationToken);
                await write(await from.ReadLineAsync(cancellationToken), cancellationToken);
            }
        }

        while (true)
        {
            var trailer = await from.ReadLineAsync(cancellationToken);
            var isEnd = trailer.Length == 2;
            await write(trailer, cancellationToken);
            if (isEnd)
            {
                return;
            }
        }
    }

    private async Task CopyUntilCloseAsync(CancellationToken cancellationToken)
    {
        while (await from.ReadSomeAsync(long.MaxValue, cancellationToken) is { IsEmpty: false } bytes)
        {
            await write(bytes, cancellationToken);
        }
    }
}
