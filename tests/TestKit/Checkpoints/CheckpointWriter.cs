using System.Security.Cryptography;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Codecs;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Indices;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Manifests;
using Checkpointer.Formats.Packs;
using Checkpointer.Storage;

namespace Checkpointer.TestKit.Checkpoints;

/// <summary>Writes one checkpoint into a store as agents and service would (formats/SPEC.md): its shards, then its manifest.</summary>
public sealed class CheckpointWriter(
    IObjectStore store, RunId run, CheckpointId checkpoint, int worldSize, int chunkBytes, int packPayloadBytes)
{
    private readonly List<ManifestShard> _shards = [];

    /// <summary>
    /// Stores one rank's shard: packs, index, layout. Chunks that <paramref name="older"/> has bit for bit are taken from its packs.
    /// </summary>
    public async Task<ShardIndex> WriteShardAsync(Rank rank, Layout layout, byte[] image, byte[] extra, ShardIndex? older = null)
    {
        var geometry = new ChunkGeometry(image.Length, chunkBytes);
        ChunkHash[] hashes = [.. Enumerable.Range(0, geometry.Count).Select(i => ChunkHash.Compute(Chunk(image, geometry, i)))];
        var places = await WritePacksAsync(rank, image, geometry, hashes, geometry.CountIn(layout.StoredBytes), older).ConfigureAwait(false);
        PackReference[] packs =
        [
            .. places.Values.Select(place => place.Pack).Distinct()
                .OrderBy(pack => pack.Checkpoint).ThenBy(pack => pack.Rank).ThenBy(pack => pack.Number),
        ];
        var index = new ShardIndex
        {
            Checkpoint = checkpoint,
            Rank = rank,
            WorldSize = worldSize,
            ChunkBytes = chunkBytes,
            ImageBytes = geometry.ImageBytes,
            StoredBytes = layout.StoredBytes,
            LayoutDigest = layout.Digest,
            Root = RootHash.Compute(geometry.ImageBytes, chunkBytes, hashes),
            Packs = packs,
            Chunks =
            [
                .. hashes.Select((hash, chunk) => places.TryGetValue(chunk, out var place)
                    ? place.Entry with { Pack = Array.IndexOf(packs, place.Pack) }
                    : ChunkEntry.ElsewhereOf(hash)),
            ],
            Extra = extra,
        };
        var encoded = index.Encode();
        await PutAsync(RepositoryKeys.Index(run, checkpoint, rank), encoded).ConfigureAwait(false);
        await PutAsync(RepositoryKeys.Layout(run, layout.Digest), layout.Utf8.ToArray()).ConfigureAwait(false);
        _shards.Add(new ManifestShard
        {
            Rank = rank,
            Layout = layout.Digest,
            IndexSha256 = Convert.ToHexStringLower(SHA256.HashData(encoded)),
            IndexBytes = encoded.Length,
            Root = index.Root.ToString(),
            ImageBytes = geometry.ImageBytes,
            StoredBytes = layout.StoredBytes,
            NanCount = 0,
            InfCount = 0,
        });
        return index;
    }

    /// <summary>Commits the shards that were stored.</summary>
    public Task CommitAsync(CheckpointId? parent = null) => PutAsync(RepositoryKeys.Manifest(run, checkpoint), new Manifest
    {
        Run = run,
        Step = checkpoint.Step,
        Attempt = checkpoint.Attempt,
        WorldSize = worldSize,
        ChunkBytes = chunkBytes,
        CreatedAt = new DateTimeOffset(2026, 11, 24, 8, 0, 0, TimeSpan.Zero).AddMinutes(checkpoint.Step.Value),
        Parent = parent,
        Lineage = [new LineageEntry { Attempt = checkpoint.Attempt }],
        ImageBytes = _shards.Sum(shard => shard.ImageBytes),
        StoredBytes = _shards.Sum(shard => shard.StoredBytes),
        Shards = _shards,
    }.Encode());

    private async Task<Dictionary<int, (PackReference Pack, ChunkEntry Entry)>> WritePacksAsync(
        Rank rank, byte[] image, ChunkGeometry geometry, ChunkHash[] hashes, int storedChunks, ShardIndex? older)
    {
        var places = new Dictionary<int, (PackReference Pack, ChunkEntry Entry)>();
        var builder = new PackBuilder(checkpoint, rank, packPayloadBytes);
        for (var i = 0; i < storedChunks; i++)
        {
            if (older is not null && older.Chunks[i].Hash == hashes[i])
            {
                places[i] = (older.Packs[older.Chunks[i].Pack], older.Chunks[i]);
            }
            else
            {
                _ = builder.Add(new PackEntry(i, CodecId.Raw, geometry.LengthOf(i), geometry.LengthOf(i), hashes[i]));
            }
        }

        foreach (var pack in builder.Build())
        {
            var bytes = new List<byte>(pack.Encode());
            for (var i = 0; i < pack.Entries.Count; i++)
            {
                var entry = pack.Entries[i];
                places[entry.Chunk] = (
                    new PackReference(checkpoint, rank, pack.Number, pack.PackBytes),
                    new ChunkEntry(entry.Hash, entry.Codec, 0, pack.OffsetOf(i), entry.StoredBytes));
                bytes.AddRange(Chunk(image, geometry, entry.Chunk));
            }

            await PutAsync(RepositoryKeys.Pack(run, checkpoint, rank, pack.Number), [.. bytes]).ConfigureAwait(false);
        }

        return places;
    }

    private static ReadOnlySpan<byte> Chunk(byte[] image, ChunkGeometry geometry, int chunk) =>
        image.AsSpan((int)geometry.OffsetOf(chunk), geometry.LengthOf(chunk));

    private Task PutAsync(ObjectKey key, byte[] bytes) => store.PutAsync(key, new ObjectContent(bytes), CancellationToken.None);
}
