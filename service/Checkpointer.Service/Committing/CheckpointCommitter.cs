using System.Collections.Concurrent;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Manifests;
using Checkpointer.Formats.Resharding;
using Checkpointer.Service.Coordination;
using Checkpointer.Storage;
using Checkpointer.Storage.CrashPoints;

namespace Checkpointer.Service.Committing;

/// <summary>
/// One try of a commit: check what the shards are made of, then create the manifest if it is not there. May be repeated
/// and cut off anywhere: an equal manifest that exists already is success, and is looked for first.
/// </summary>
internal sealed class CheckpointCommitter(RunHost host, IObjectStore store)
{
    private const int MaxParallelReads = 16;
    private const int MaxFaultsNamed = 3;

    private readonly ShardReader _reader = new(store);

    /// <summary>Null when the manifest exists; otherwise why it never may. Trouble of the store is thrown.</summary>
    public async Task<CommitRejection?> TryCommitAsync(
        RunId run, CheckpointId checkpoint, CancellationToken cancellationToken)
    {
        var key = RepositoryKeys.Manifest(run, checkpoint);
        if (await store.HeadAsync(key, cancellationToken).ConfigureAwait(false) is not null)
        {
            return await CompareExistingAsync(run, checkpoint, key, cancellationToken).ConfigureAwait(false);
        }

        Manifest manifest;
        try
        {
            var draft = await BuildAsync(run, checkpoint, ChunkGeometry.DefaultChunkBytes, cancellationToken).ConfigureAwait(false);
            var chunkBytes = await CheckIndicesAsync(draft, cancellationToken).ConfigureAwait(false);
            if (await CheckLayoutsAsync(draft, cancellationToken).ConfigureAwait(false) is { } rejection)
            {
                return rejection;
            }

            manifest = await BuildAsync(run, checkpoint, chunkBytes, cancellationToken).ConfigureAwait(false);
        }
        catch (ShardFaultException e)
        {
            return new CommitRejection(e.Message, [e.Rank]);
        }

        CrashPoint.Reach(CrashPointNames.CommitChecked);
        try
        {
            _ = await store.PutIfAbsentOrVerifyAsync(key, manifest.Encode(), cancellationToken).ConfigureAwait(false);
        }
        catch (CheckpointerException e) when (e.Code == ErrorCode.CheckpointConflict)
        {
            return Conflict(key);
        }

        CrashPoint.Reach(CrashPointNames.CommitManifestPut);
        return null;
    }

    private static CommitRejection Conflict(ObjectKey key) => new(
        $"checkpoint_conflict: '{key}' exists already and says other things. Somebody else writes to this store under the same run; give each its own.",
        []);

    /// <summary>A manifest found before anything was checked: an earlier try's, whose outcome was not journaled, or a stranger's.</summary>
    private async Task<CommitRejection?> CompareExistingAsync(
        RunId run, CheckpointId checkpoint, ObjectKey key, CancellationToken cancellationToken)
    {
        var found = await store.ReadAllAsync(key, Manifest.MaxBytes, cancellationToken).ConfigureAwait(false);
        try
        {
            var ours = await BuildAsync(run, checkpoint, Manifest.Parse(found).ChunkBytes, cancellationToken).ConfigureAwait(false);
            return found.AsSpan().SequenceEqual(ours.Encode()) ? null : Conflict(key);
        }
        catch (FormatFaultException)
        {
            return Conflict(key);
        }
    }

    private Task<Manifest> BuildAsync(
        RunId run, CheckpointId checkpoint, int chunkBytes, CancellationToken cancellationToken) =>
        host.ReadAsync(run, state => state.BuildManifest(checkpoint, chunkBytes), cancellationToken);

    private async Task<int> CheckIndicesAsync(Manifest draft, CancellationToken cancellationToken)
    {
        var chunkBytes = new int[draft.Shards.Count];
        await Parallel.ForAsync(0, chunkBytes.Length, Options(cancellationToken), async (i, token) =>
            chunkBytes[i] = await _reader.ReadIndexAsync(draft, draft.Shards[i], token).ConfigureAwait(false)).ConfigureAwait(false);
        var odd = Array.FindIndex(chunkBytes, bytes => bytes != chunkBytes[0]);
        return odd < 0
            ? chunkBytes[0]
            : throw new ShardFaultException(
                draft.Shards[odd].Rank,
                $"Rank {draft.Shards[odd].Rank} cuts chunks of {chunkBytes[odd]} bytes, rank {draft.Shards[0].Rank} of {chunkBytes[0]}. Start all agents of a run with the same chunk length.");
    }

    private async Task<CommitRejection?> CheckLayoutsAsync(Manifest draft, CancellationToken cancellationToken)
    {
        // Ranks with equal state share one layout: each is read once. Sizes are compared for every rank by its index.
        var distinct = new ConcurrentDictionary<string, Layout>();
        await Parallel.ForEachAsync(
            draft.Shards.DistinctBy(shard => shard.Layout),
            Options(cancellationToken),
            async (shard, token) => distinct[shard.Layout] =
                await _reader.ReadLayoutAsync(draft, shard, token).ConfigureAwait(false)).ConfigureAwait(false);
        foreach (var shard in draft.Shards)
        {
            var layout = distinct[shard.Layout];
            if (layout.ImageBytes != shard.ImageBytes || layout.StoredBytes != shard.StoredBytes)
            {
                return new CommitRejection($"Rank {shard.Rank}'s image does not have the length of its layout.", [shard.Rank]);
            }
        }

        var faults = Coverage.Check(draft.Shards.ToDictionary(shard => shard.Rank, shard => distinct[shard.Layout]));
        if (faults.Count == 0)
        {
            return null;
        }

        var named = string.Join("; ", faults.Take(MaxFaultsNamed).Select(fault => $"{fault.Kind} '{fault.Tensor}'"));
        return new CommitRejection(
            $"The shards do not make one whole model: {named}{(faults.Count > MaxFaultsNamed ? $" and {faults.Count - MaxFaultsNamed} more" : "")}.",
            [.. faults.SelectMany(fault => fault.Ranks).Distinct().Order()]);
    }

    private static ParallelOptions Options(CancellationToken cancellationToken) =>
        new() { MaxDegreeOfParallelism = MaxParallelReads, CancellationToken = cancellationToken };
}
