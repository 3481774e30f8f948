using Checkpointer.Agent.Arenas;
using Checkpointer.Agent.Hosting;
using Checkpointer.Agent.Telemetry;
using Checkpointer.Contracts.Images;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Checkpointer.Agent.Serving;

/// <summary>
/// Gives sealed images to other agents, so many reads at a time. Bytes go from the arena to the socket as they lie there:
/// the reader verifies them, who alone knows what he got. While they are sent a lease keeps the slot.
/// </summary>
internal sealed class ImageServer(NodeArenas arenas, AgentOptions options, AgentTelemetry telemetry) : IDisposable
{
    /// <summary>Bytes that are handed to the server at once.</summary>
    public const int WriteBytes = 1024 * 1024;

    private readonly SemaphoreSlim _reads = new(options.MaxPeerReads);

    /// <summary>The image's facts, so that what is read can be verified.</summary>
    public ImageDescription Describe(RunId run, Rank rank, CheckpointId checkpoint)
    {
        using var lease = Lease(run, rank, checkpoint);
        var hashes = new byte[lease.Seal.Hashes.Count * ChunkHash.SizeBytes];
        for (var i = 0; i < lease.Seal.Hashes.Count; i++)
        {
            lease.Seal.Hashes[i].WriteTo(hashes.AsSpan(i * ChunkHash.SizeBytes));
        }

        return new ImageDescription
        {
            Checkpoint = checkpoint,
            Image = lease.Seal.Image,
            ChunkBytes = lease.Seal.Geometry.ChunkBytes,
            ChunkHashes = hashes,
            Extra = lease.Extra,
        };
    }

    /// <summary>The image's layout.</summary>
    public ReadOnlyMemory<byte> LayoutOf(RunId run, Rank rank, CheckpointId checkpoint)
    {
        using var lease = Lease(run, rank, checkpoint);
        return lease.Layout.Utf8;
    }

    /// <summary>Sends the image, or the one range of it that is asked for.</summary>
    public async Task SendAsync(HttpContext context, RunId run, Rank rank, CheckpointId checkpoint)
    {
        await _reads.WaitAsync(context.RequestAborted);
        try
        {
            using var lease = Lease(run, rank, checkpoint);
            var response = context.Response;
            response.ContentType = "application/octet-stream";
            response.Headers.AcceptRanges = "bytes";
            var total = lease.Seal.Geometry.ImageBytes;
            if (ByteRange.Of(context.Request, total) is not { } range)
            {
                response.StatusCode = StatusCodes.Status416RangeNotSatisfiable;
                response.ContentType = null;
                response.Headers.ContentRange = $"bytes */{total}";
                return;
            }

            response.StatusCode = range.IsWhole ? StatusCodes.Status200OK : StatusCodes.Status206PartialContent;
            if (!range.IsWhole)
            {
                response.Headers.ContentRange = $"bytes {range.From}-{range.From + range.Length - 1}/{total}";
            }

            response.ContentLength = range.Length;
            context.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();
            await CopyAsync(lease, range, response.Body, context.RequestAborted);
        }
        finally
        {
            _reads.Release();
        }
    }

    public void Dispose() => _reads.Dispose();

    private async Task CopyAsync(SlotLease lease, ByteRange range, Stream body, CancellationToken cancellationToken)
    {
        for (long sent = 0; sent < range.Length;)
        {
            var length = (int)Math.Min(WriteBytes, range.Length - sent);
            await body.WriteAsync(lease.Read(range.From + sent, length), cancellationToken);
            telemetry.Served(length);
            sent += length;
        }
    }

    private SlotLease Lease(RunId run, Rank rank, CheckpointId checkpoint) =>
        arenas.TryLease(run, rank, checkpoint) ?? throw new CheckpointerException(
            ErrorCode.NotFound, $"Node {options.Node} does not hold {checkpoint} of run {run} rank {rank} (any more).");
}
