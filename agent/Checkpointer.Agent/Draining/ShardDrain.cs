using System.Security.Cryptography;
using Checkpointer.Agent.Arenas;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Indices;
using Checkpointer.Storage;
using Checkpointer.Storage.CrashPoints;

namespace Checkpointer.Agent.Draining;

/// <summary>
/// Makes one image durable: layout, packs, index, in this order, each created only if absent and otherwise compared. So it
/// can be run again at any time, by this process after a failure or by the next after a crash, and ends with the same
/// shard. One caller at a time.
/// </summary>
internal sealed class ShardDrain(IObjectStore store, SlotLease lease, DrainingOptions options)
{
    private ShardPlan? _plan;
    private PackUploads? _uploads;

    /// <summary>Runs to the end. <paramref name="committed"/>: a checkpoint whose chunks may be reused. Failures of storage can be repeated.</summary>
    public async Task<StoredShard> RunAsync(CheckpointId? committed, CancellationToken cancellationToken)
    {
        var indexKey = RepositoryKeys.Index(lease.Run, lease.Checkpoint, lease.Rank);
        if (await store.HeadAsync(indexKey, cancellationToken) is not null)
        {
            return await AcceptAsync(indexKey, cancellationToken);
        }

        await store.PutIfAbsentOrVerifyAsync(
            RepositoryKeys.Layout(lease.Run, lease.Layout.Digest), lease.Layout.Utf8, cancellationToken);
        CrashPoint.Reach(CrashPointNames.DrainLayoutPut);
        if (_plan is null)
        {
            var older = await ReadOlderAsync(committed, cancellationToken);
            _plan = new ShardPlan(
                lease.Checkpoint,
                lease.Rank,
                new StoredPrefix(lease.Seal.Geometry, lease.Seal.Hashes, lease.Layout.StoredBytes),
                older,
                options.PackPayloadBytes);
            _uploads = new PackUploads(store, lease, _plan.Packs, options);
        }

        var packs = await _uploads!.RunAsync(cancellationToken);
        CrashPoint.Reach(CrashPointNames.DrainPacksPut);
        var index = _plan.ToIndex(packs, lease.Layout.Digest, lease.Seal.Root, lease.WorldSize, lease.ExtraUtf8).Encode();
        if (await store.PutIfAbsentAsync(indexKey, new ObjectContent(index), cancellationToken) == PutOutcome.AlreadyExists)
        {
            return await AcceptAsync(indexKey, cancellationToken);
        }

        CrashPoint.Reach(CrashPointNames.DrainIndexPut);
        return new StoredShard(
            Convert.ToHexStringLower(SHA256.HashData(index)), index.Length, packs.Sum(pack => (long)pack.PackBytes), _plan.ReusedBytes);
    }

    /// <summary>
    /// Takes an index that is there already as our own if it describes this very image: whoever wrote it had put all its
    /// packs before. (It may cut packs differently.)
    /// </summary>
    private async Task<StoredShard> AcceptAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        var bytes = await store.ReadAllAsync(key, ShardIndex.MaxBytes, cancellationToken);
        var index = ShardIndex.Parse(bytes);
        if (index.Checkpoint != lease.Checkpoint || index.Rank != lease.Rank || index.Root != lease.Seal.Root
            || index.LayoutDigest != lease.Layout.Digest || index.StoredBytes != lease.Layout.StoredBytes
            || index.WorldSize != lease.WorldSize || !index.Extra.Span.SequenceEqual(lease.ExtraUtf8.Span))
        {
            throw new CheckpointerException(
                ErrorCode.CheckpointConflict, $"'{key}' exists already and describes another image than the one to store.");
        }

        long packBytes = index.Packs.Where(pack => pack.Checkpoint == lease.Checkpoint).Sum(pack => pack.PackBytes);
        return new StoredShard(Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes.Length, packBytes, 0);
    }

    private async Task<ShardIndex?> ReadOlderAsync(CheckpointId? committed, CancellationToken cancellationToken)
    {
        if (committed is not { } older || older == lease.Checkpoint)
        {
            return null;
        }

        try
        {
            var key = RepositoryKeys.Index(lease.Run, older, lease.Rank);
            return ShardIndex.Parse(await store.ReadAllAsync(key, ShardIndex.MaxBytes, cancellationToken));
        }
        catch (CheckpointerException e) when (e.Code is ErrorCode.NotFound or ErrorCode.IndexCorrupt)
        {
            // Nothing to reuse (the world was smaller then, or that index is damaged): then everything is stored.
            return null;
        }
    }
}
