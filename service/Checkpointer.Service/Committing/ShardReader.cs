using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Manifests;
using Checkpointer.Storage;
using Checkpointer.Storage.Repository;

namespace Checkpointer.Service.Committing;

/// <summary>
/// Reads what a shard's report says is in the store and compares it with the report. A difference is a
/// <see cref="ShardFaultException"/>; trouble of the store itself passes through.
/// </summary>
internal sealed class ShardReader(IObjectStore store)
{
    private readonly RepositoryReader _reader = new(store);

    /// <summary>Reads one rank's index and checks every fact that the report states of it; gives the chunk length.</summary>
    public async Task<int> ReadIndexAsync(
        Manifest manifest, ManifestShard shard, CancellationToken cancellationToken)
    {
        try
        {
            return (await _reader.ReadIndexAsync(manifest, shard, cancellationToken).ConfigureAwait(false)).ChunkBytes;
        }
        catch (DamagedObjectException e)
        {
            throw Fault(shard.Rank, e);
        }
    }

    /// <summary>Reads the layout of one rank's image.</summary>
    public async Task<Layout> ReadLayoutAsync(Manifest manifest, ManifestShard shard, CancellationToken cancellationToken)
    {
        try
        {
            var layout = await _reader.ReadLayoutAsync(manifest.Run, shard.Layout, cancellationToken).ConfigureAwait(false);
            return layout.ImageBytes == shard.ImageBytes && layout.StoredBytes == shard.StoredBytes
                ? layout
                : throw new ShardFaultException(
                    shard.Rank,
                    $"'{RepositoryKeys.Layout(manifest.Run, shard.Layout)}' describes {layout.ImageBytes} bytes, {layout.StoredBytes} of them stored; rank {shard.Rank} reported {shard.ImageBytes} and {shard.StoredBytes}.");
        }
        catch (DamagedObjectException e)
        {
            throw Fault(shard.Rank, e);
        }
    }

    private static ShardFaultException Fault(Rank rank, DamagedObjectException e) => new(
        rank,
        e.Damage == ObjectDamage.Missing
            ? $"'{e.Key}' of rank {rank} is missing from the store. Does that rank's agent use the same one?"
            : $"'{e.Key}' of rank {rank} {e.Why}.",
        e);
}
