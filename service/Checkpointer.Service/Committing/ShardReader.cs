using System.Security.Cryptography;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Indices;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Manifests;
using Checkpointer.Storage;

namespace Checkpointer.Service.Committing;

/// <summary>
/// Reads what a shard's report says is in the store and compares it with the report. A difference is a
/// <see cref="ShardFaultException"/>; trouble of the store itself passes through.
/// </summary>
internal sealed class ShardReader(IObjectStore store)
{
    private const int MaxReads = 2;

    /// <summary>Reads one rank's index and checks every fact that the report states of it; gives the chunk length.</summary>
    public async Task<int> ReadIndexAsync(
        Manifest manifest, ManifestShard shard, CancellationToken cancellationToken)
    {
        var key = RepositoryKeys.Index(manifest.Run, manifest.Checkpoint, shard.Rank);
        var bytes = await ReadAsync(key, shard.IndexSha256, shard.IndexBytes, ShardIndex.MaxBytes, shard.Rank, cancellationToken)
            .ConfigureAwait(false);
        ShardIndex index;
        try
        {
            index = ShardIndex.Parse(bytes);
        }
        catch (FormatFaultException e)
        {
            throw new ShardFaultException(shard.Rank, $"'{key}' of rank {shard.Rank} is no valid index: {e.Message}", e);
        }

        var asReported = index.Checkpoint == manifest.Checkpoint
            && index.Rank == shard.Rank
            && index.WorldSize == manifest.WorldSize
            && index.ImageBytes == shard.ImageBytes
            && index.StoredBytes == shard.StoredBytes
            && index.LayoutDigest == shard.Layout
            && index.Root.ToString() == shard.Root;
        return asReported
            ? index.ChunkBytes
            : throw new ShardFaultException(
                shard.Rank, $"'{key}' says other things of its checkpoint, rank, world or image than rank {shard.Rank} reported.");
    }

    /// <summary>Reads the layout of one rank's image.</summary>
    public async Task<Layout> ReadLayoutAsync(Manifest manifest, ManifestShard shard, CancellationToken cancellationToken)
    {
        var key = RepositoryKeys.Layout(manifest.Run, shard.Layout);
        var bytes = await ReadAsync(key, shard.Layout, null, Layout.MaxBytes, shard.Rank, cancellationToken).ConfigureAwait(false);
        try
        {
            var layout = Layout.Parse(bytes);
            return layout.ImageBytes == shard.ImageBytes && layout.StoredBytes == shard.StoredBytes
                ? layout
                : throw new ShardFaultException(
                    shard.Rank,
                    $"'{key}' describes {layout.ImageBytes} bytes, {layout.StoredBytes} of them stored; rank {shard.Rank} reported {shard.ImageBytes} and {shard.StoredBytes}.");
        }
        catch (FormatFaultException e)
        {
            throw new ShardFaultException(shard.Rank, $"'{key}' of rank {shard.Rank} is no valid layout: {e.Message}", e);
        }
    }

    /// <summary>
    /// The object's bytes, if they hash to <paramref name="sha256"/>. Others are read once more before the rank is blamed:
    /// bytes also go bad on their way, and an abandoned checkpoint does not come back.
    /// </summary>
    private async Task<byte[]> ReadAsync(
        ObjectKey key, string sha256, long? length, int maxBytes, Rank rank, CancellationToken cancellationToken)
    {
        for (var reads = 1; ; reads++)
        {
            var bytes = await ReadOnceAsync(key, (int)Math.Min(length ?? maxBytes, maxBytes), rank, cancellationToken)
                .ConfigureAwait(false);
            if ((length is null || bytes.Length == length) && Convert.ToHexStringLower(SHA256.HashData(bytes)) == sha256)
            {
                return bytes;
            }

            if (reads == MaxReads)
            {
                throw new ShardFaultException(
                    rank, $"'{key}' of rank {rank} has {bytes.Length} bytes that do not hash to what was reported.");
            }
        }
    }

    private async Task<byte[]> ReadOnceAsync(ObjectKey key, int maxBytes, Rank rank, CancellationToken cancellationToken)
    {
        try
        {
            return await store.ReadAllAsync(key, maxBytes, cancellationToken).ConfigureAwait(false);
        }
        catch (CheckpointerException e) when (e.Code is ErrorCode.NotFound or ErrorCode.LimitExceeded)
        {
            throw new ShardFaultException(
                rank,
                e.Code == ErrorCode.NotFound
                    ? $"'{key}' of rank {rank} is missing from the store. Does that rank's agent use the same one?"
                    : $"'{key}' of rank {rank} is larger than was reported.",
                e);
        }
    }
}
