using Checkpointer.Formats.Codecs;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Indices;

namespace Checkpointer.Storage.Verification;

/// <summary>
/// Every pack that one verification has met, so that a chunk that several shards or checkpoints share is read once. Not
/// thread-safe.
/// </summary>
internal sealed class PackLedger(RunId run)
{
    private readonly Dictionary<PackReference, PackRecord> _records = [];

    /// <summary>What is known of a pack.</summary>
    public PackRecord RecordOf(PackReference pack)
    {
        if (!_records.TryGetValue(pack, out var record))
        {
            _records[pack] = record = new PackRecord(pack);
        }

        return record;
    }

    /// <summary>The object of a pack.</summary>
    public ObjectKey KeyOf(PackReference pack) => RepositoryKeys.Pack(run, pack.Checkpoint, pack.Rank, pack.Number);

    /// <summary>Claims every chunk that <paramref name="indices"/> place in packs and that was not settled before.</summary>
    public PlannedReads Plan(IEnumerable<ShardIndex?> indices)
    {
        var wanted = new SortedDictionary<PackReference, List<ChunkPlace>>(InKeyOrder);
        var packs = new HashSet<PackReference>();
        var (chunks, bytes, settled) = (0, 0L, 0L);
        foreach (var index in indices)
        {
            if (index is null)
            {
                continue;
            }

            packs.UnionWith(index.Packs);
            PackRecord[] records = [.. index.Packs.Select(RecordOf)];
            foreach (var chunk in index.Chunks)
            {
                if (chunk.Codec == CodecId.Elsewhere)
                {
                    continue;
                }

                chunks++;
                bytes += chunk.StoredBytes;
                var place = ChunkPlace.Of(chunk);
                if (!records[chunk.Pack].Claim(place))
                {
                    settled += chunk.StoredBytes;
                    continue;
                }

                var pack = index.Packs[chunk.Pack];
                if (!wanted.TryGetValue(pack, out var places))
                {
                    wanted[pack] = places = [];
                }

                places.Add(place);
            }
        }

        return new PlannedReads(
            [.. wanted.Select(pair => new PackPlan(RecordOf(pair.Key), KeyOf(pair.Key), [.. pair.Value]))],
            packs.Count,
            chunks,
            bytes,
            settled);
    }

    /// <summary>What could not be read is tried again for the next checkpoint that needs it.</summary>
    public void ForgetUnreadable()
    {
        foreach (var record in _records.Values.Where(record => record.IsFaulty))
        {
            record.ForgetUnreadable();
        }
    }

    private static readonly Comparer<PackReference> InKeyOrder = Comparer<PackReference>.Create(static (left, right) =>
        (left.Checkpoint, left.Rank, left.Number, left.PackBytes).CompareTo((right.Checkpoint, right.Rank, right.Number, right.PackBytes)));
}
