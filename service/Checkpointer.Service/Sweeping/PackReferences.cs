using System.Collections.Concurrent;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Storage;
using Checkpointer.Storage.Repository;

namespace Checkpointer.Service.Sweeping;

/// <summary>
/// Which saves' packs the indices of committed checkpoints name. An index never changes, so each is read once; what is
/// remembered is one set of saves a checkpoint. One caller at a time.
/// </summary>
internal sealed class PackReferences(IObjectStore store)
{
    private const int MaxParallelReads = 4;

    private readonly RepositoryReader _reader = new(store);
    private readonly Dictionary<(RunId Run, CheckpointId Checkpoint), IReadOnlySet<CheckpointId>> _known = [];

    /// <summary>
    /// The saves that the committed checkpoints of <paramref name="listing"/> which could name one of
    /// <paramref name="saves"/> name; null if one of them does not read, for then nothing is proved.
    /// </summary>
    public async Task<IReadOnlySet<CheckpointId>?> FindAsync(
        SaveListing listing, IReadOnlyCollection<CheckpointId> saves, CancellationToken cancellationToken)
    {
        Forget(listing);
        var named = new HashSet<CheckpointId>();
        foreach (var committed in listing.Folders.Where(folder => folder.HasManifest).Select(folder => folder.Checkpoint))
        {
            if (!saves.Any(save => SweepPlanner.CouldReference(committed, save)))
            {
                continue;
            }

            if (!_known.TryGetValue((listing.Run, committed), out var names))
            {
                try
                {
                    names = await ReadAsync(listing.Run, committed, cancellationToken).ConfigureAwait(false);
                }
                catch (CheckpointerException e) when (e is DamagedObjectException or { Code: ErrorCode.NotFound or ErrorCode.ManifestCorrupt })
                {
                    return null;
                }

                _known.Add((listing.Run, committed), names);
            }

            named.UnionWith(names);
        }

        return named;
    }

    private async Task<IReadOnlySet<CheckpointId>> ReadAsync(
        RunId run, CheckpointId committed, CancellationToken cancellationToken)
    {
        var manifest = await _reader.ReadManifestAsync(run, committed, cancellationToken).ConfigureAwait(false);
        var names = new ConcurrentDictionary<CheckpointId, bool>();
        var options = new ParallelOptions { MaxDegreeOfParallelism = MaxParallelReads, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(manifest.Shards, options, async (shard, token) =>
        {
            var index = await _reader.ReadIndexAsync(manifest, shard, token).ConfigureAwait(false);
            foreach (var pack in index.Packs)
            {
                names[pack.Checkpoint] = true;
            }
        }).ConfigureAwait(false);
        return names.Keys.ToHashSet();
    }

    // What retention has deleted since.
    private void Forget(SaveListing listing)
    {
        var committed = listing.Folders.Where(folder => folder.HasManifest).Select(folder => folder.Checkpoint).ToHashSet();
        foreach (var gone in _known.Keys.Where(key => key.Run == listing.Run && !committed.Contains(key.Checkpoint)).ToList())
        {
            _ = _known.Remove(gone);
        }
    }
}
