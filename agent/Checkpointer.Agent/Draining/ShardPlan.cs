using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Codecs;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Indices;
using Checkpointer.Formats.Packs;

namespace Checkpointer.Agent.Draining;

/// <summary>
/// Which chunks of an image go into which new pack, and which the packs of an older checkpoint hold already: those at
/// the same place with the same hash and length. Immutable.
/// </summary>
internal sealed class ShardPlan
{
    private readonly ShardIndex? _base;
    private readonly bool[] _reused;

    /// <summary>Plans for the stored prefix of the image; <paramref name="older"/> is a committed shard of this rank, if there is one.</summary>
    public ShardPlan(CheckpointId checkpoint, Rank rank, StoredPrefix image, ShardIndex? older, int packPayloadBytes)
    {
        (Checkpoint, Rank, Image) = (checkpoint, rank, image);
        _base = older is not null && older.ChunkBytes == image.Geometry.ChunkBytes ? older : null;
        _reused = new bool[image.StoredChunks];

        // A pack must have room for a chunk, however small it was asked to be.
        var builder = new PackBuilder(checkpoint, rank, Math.Max(packPayloadBytes, image.Geometry.ChunkBytes));
        for (var chunk = 0; chunk < image.StoredChunks; chunk++)
        {
            var length = image.Geometry.LengthOf(chunk);
            if (IsInBase(chunk, length))
            {
                _reused[chunk] = true;
                ReusedBytes += length;
            }
            else
            {
                _ = builder.Add(new PackEntry(chunk, CodecId.Raw, length, length, image.Hashes[chunk]));
            }
        }

        Packs = builder.Build();
    }

    public CheckpointId Checkpoint { get; }

    public Rank Rank { get; }

    public StoredPrefix Image { get; }

    /// <summary>The packs to write. Their numbers are proposals: one that is taken is written under another.</summary>
    public IReadOnlyList<PackHeader> Packs { get; }

    public long ReusedBytes { get; }

    /// <summary>The index, once the packs were written as <paramref name="written"/> (in the order of <see cref="Packs"/>).</summary>
    public ShardIndex ToIndex(IReadOnlyList<PackHeader> written, string layoutDigest, ChunkHash root, int worldSize, ReadOnlyMemory<byte> extra)
    {
        var places = new (PackReference Pack, ChunkEntry Entry)[Image.StoredChunks];
        foreach (var pack in written)
        {
            var reference = new PackReference(Checkpoint, Rank, pack.Number, pack.PackBytes);
            for (var i = 0; i < pack.Entries.Count; i++)
            {
                var entry = pack.Entries[i];
                places[entry.Chunk] = (reference, new ChunkEntry(entry.Hash, entry.Codec, 0, pack.OffsetOf(i), entry.StoredBytes));
            }
        }

        for (var chunk = 0; chunk < places.Length; chunk++)
        {
            if (_reused[chunk])
            {
                var older = _base!.Chunks[chunk];
                places[chunk] = (_base.Packs[older.Pack], older);
            }
        }

        var packs = places.Select(place => place.Pack).Distinct()
            .OrderBy(pack => pack.Checkpoint).ThenBy(pack => pack.Rank).ThenBy(pack => pack.Number)
            .ToArray();
        var ordinals = packs.Select((pack, ordinal) => (pack, ordinal)).ToDictionary(pair => pair.pack, pair => pair.ordinal);
        var chunks = new ChunkEntry[Image.Geometry.Count];
        for (var chunk = 0; chunk < chunks.Length; chunk++)
        {
            chunks[chunk] = chunk < places.Length
                ? places[chunk].Entry with { Pack = ordinals[places[chunk].Pack] }
                : ChunkEntry.ElsewhereOf(Image.Hashes[chunk]);
        }

        return new ShardIndex
        {
            Checkpoint = Checkpoint,
            Rank = Rank,
            WorldSize = worldSize,
            ChunkBytes = Image.Geometry.ChunkBytes,
            ImageBytes = Image.Geometry.ImageBytes,
            StoredBytes = Image.StoredBytes,
            LayoutDigest = layoutDigest,
            Root = root,
            Packs = packs,
            Chunks = chunks,
            Extra = extra,
        };
    }

    private bool IsInBase(int chunk, int length) =>
        _base is not null
        && chunk < _base.Chunks.Count
        && _base.Chunks[chunk] is { Codec: CodecId.Raw } older
        && older.Hash == Image.Hashes[chunk]
        && older.StoredBytes == length;
}
