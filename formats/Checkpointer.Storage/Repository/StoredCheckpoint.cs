using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Indices;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Manifests;

namespace Checkpointer.Storage.Repository;

/// <summary>
/// A committed checkpoint in the object store, its manifest read once for all who ask. Errors are those of
/// <see cref="RepositoryReader"/>. Thread-safe.
/// </summary>
/// <param name="store">The store.</param>
/// <param name="run">The run.</param>
/// <param name="checkpoint">The checkpoint; that it exists is found out when it is read.</param>
/// <param name="lifetime">Ends the common reading of the manifest.</param>
public sealed class StoredCheckpoint(
    IObjectStore store, RunId run, CheckpointId checkpoint, CancellationToken lifetime)
{
    private readonly RepositoryReader _reader = new(store);
    private readonly Lock _gate = new();
    private Task<Manifest>? _manifest;

    /// <summary>The run.</summary>
    public RunId Run => run;

    /// <summary>The checkpoint.</summary>
    public CheckpointId Checkpoint => checkpoint;

    /// <summary>The store.</summary>
    public IObjectStore Store => store;

    /// <summary>The manifest: <c>not_found</c> if the checkpoint was never committed, <c>manifest_corrupt</c>.</summary>
    public Task<Manifest> ReadManifestAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            // Read once for all ranks, on nobody's own time: whoever is cancelled must not take it from the others.
            return (_manifest ??= _reader.ReadManifestAsync(run, checkpoint, lifetime)).WaitAsync(cancellationToken);
        }
    }

    /// <summary>One rank's index, checked against the manifest: <c>index_corrupt</c>, also if it is missing.</summary>
    public async Task<(ShardIndex Index, ManifestShard Shard)> ReadIndexAsync(Rank rank, CancellationToken cancellationToken)
    {
        var manifest = await ReadManifestAsync(cancellationToken).ConfigureAwait(false);
        if (rank.Value >= manifest.Shards.Count)
        {
            throw new CheckpointerException(
                ErrorCode.NotFound, $"Checkpoint {checkpoint} has {manifest.Shards.Count} shards and none of rank {rank}.");
        }

        var shard = manifest.Shards[rank.Value];
        var index = await _reader.ReadIndexAsync(manifest, shard, cancellationToken).ConfigureAwait(false);
        return index.ChunkBytes == manifest.ChunkBytes
            ? (index, shard)
            : throw new DamagedObjectException(
                ErrorCode.IndexCorrupt,
                RepositoryKeys.Index(run, checkpoint, rank),
                ObjectDamage.Corrupt,
                $"cuts chunks of {index.ChunkBytes} bytes, the manifest of {manifest.ChunkBytes}");
    }

    /// <summary>A layout by its digest: <c>layout_invalid</c>, also if it is missing or another one's bytes.</summary>
    public Task<Layout> ReadLayoutAsync(string digest, CancellationToken cancellationToken) =>
        _reader.ReadLayoutAsync(run, digest, cancellationToken);
}
