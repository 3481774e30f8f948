using System.Security.Cryptography;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Indices;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Manifests;
using Checkpointer.Storage;

namespace Checkpointer.Agent.Restoring;

/// <summary>
/// A committed checkpoint in the object store, read as formats/SPEC.md says ("Reading a checkpoint"): each object is
/// checked against the one that names it. Thread-safe.
/// </summary>
internal sealed class StoredCheckpoint(
    IObjectStore store, RunId run, CheckpointId checkpoint, CancellationToken lifetime)
{
    private readonly Lock _gate = new();
    private Task<Manifest>? _manifest;

    /// <summary>The run.</summary>
    public RunId Run => run;

    /// <summary>The store.</summary>
    public IObjectStore Store => store;

    /// <summary>The manifest: <c>not_found</c> if the checkpoint was never committed, <c>manifest_corrupt</c>.</summary>
    public Task<Manifest> ReadManifestAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            // Read once for all ranks, on nobody's own time: whoever is cancelled must not take it from the others.
            return (_manifest ??= GetManifestAsync(lifetime)).WaitAsync(cancellationToken);
        }
    }

    /// <summary>One rank's index, checked against the manifest: <c>index_corrupt</c> also if it is missing.</summary>
    public async Task<(ShardIndex Index, ManifestShard Shard)> ReadIndexAsync(Rank rank, CancellationToken cancellationToken)
    {
        var manifest = await ReadManifestAsync(cancellationToken);
        if (rank.Value >= manifest.Shards.Count)
        {
            throw new CheckpointerException(
                ErrorCode.NotFound, $"Checkpoint {checkpoint} has {manifest.Shards.Count} shards and none of rank {rank}.");
        }

        var shard = manifest.Shards[rank.Value];
        var key = RepositoryKeys.Index(run, checkpoint, rank);
        if (shard.IndexBytes > ShardIndex.MaxBytes)
        {
            throw Corrupt(key, $"the manifest says it has {shard.IndexBytes} bytes, more than any index");
        }

        var bytes = await ReadWholeAsync(key, shard.IndexBytes, ErrorCode.IndexCorrupt, cancellationToken);
        if (Convert.ToHexStringLower(SHA256.HashData(bytes)) != shard.IndexSha256)
        {
            throw Corrupt(key, "its SHA-256 is not the manifest's");
        }

        var index = ShardIndex.Parse(bytes);
        var matches = index.Checkpoint == checkpoint && index.Rank == rank && index.WorldSize == manifest.WorldSize
            && index.ChunkBytes == manifest.ChunkBytes && index.LayoutDigest == shard.Layout
            && index.Root.ToString() == shard.Root && index.ImageBytes == shard.ImageBytes
            && index.StoredBytes == shard.StoredBytes;
        return matches ? (index, shard) : throw Corrupt(key, "it is an index of something else than the manifest says");
    }

    /// <summary>A layout by its digest: <c>layout_invalid</c> also if it is missing or another one's bytes.</summary>
    public async Task<Layout> ReadLayoutAsync(string digest, CancellationToken cancellationToken)
    {
        var key = RepositoryKeys.Layout(run, digest);
        try
        {
            var layout = Layout.Parse(await store.ReadAllAsync(key, Layout.MaxBytes, cancellationToken));
            return layout.Digest == digest
                ? layout
                : throw new CheckpointerException(ErrorCode.LayoutInvalid, $"'{key}' has the digest {layout.Digest}.");
        }
        catch (CheckpointerException e) when (e.Code is ErrorCode.NotFound or ErrorCode.LimitExceeded)
        {
            throw new CheckpointerException(ErrorCode.LayoutInvalid, $"'{key}': {e.Message}", inner: e);
        }
    }

    private async Task<Manifest> GetManifestAsync(CancellationToken cancellationToken)
    {
        var key = RepositoryKeys.Manifest(run, checkpoint);
        var info = await store.HeadAsync(key, cancellationToken)
            ?? throw new CheckpointerException(
                ErrorCode.NotFound, $"Run {run} has no committed checkpoint {checkpoint}: '{key}' is not there.");
        var manifest = Manifest.Parse(await ReadWholeAsync(
            key, Math.Min(info.SizeBytes, Manifest.MaxBytes + 1L), ErrorCode.ManifestCorrupt, cancellationToken));
        return manifest.Run == run && manifest.Checkpoint == checkpoint
            ? manifest
            : throw new CheckpointerException(
                ErrorCode.ManifestCorrupt, $"'{key}' is the manifest of {manifest.Checkpoint} of run {manifest.Run}.");
    }

    private async Task<byte[]> ReadWholeAsync(
        ObjectKey key, long length, ErrorCode corrupt, CancellationToken cancellationToken)
    {
        var info = await store.HeadAsync(key, cancellationToken)
            ?? throw new CheckpointerException(corrupt, $"'{key}' is missing.");
        if (info.SizeBytes != length)
        {
            throw new CheckpointerException(corrupt, $"'{key}' has {info.SizeBytes} bytes and not {length}.");
        }

        var bytes = new byte[length];
        await store.ReadAsync(key, 0, bytes, cancellationToken);
        return bytes;
    }

    private static CheckpointerException Corrupt(ObjectKey key, string why) =>
        new(ErrorCode.IndexCorrupt, $"'{key}': {why}.");
}
