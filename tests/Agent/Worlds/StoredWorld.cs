using System.Security.Cryptography;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Codecs;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Indices;
using Checkpointer.Formats.Manifests;
using Checkpointer.Formats.Packs;
using Checkpointer.Storage;

namespace Checkpointer.Agent.Tests.Worlds;

/// <summary>Writes a world's checkpoint into a store, as formats/SPEC.md says.</summary>
internal static class StoredWorld
{
    private const int PayloadBytes = 5 * TestWorld.DefaultChunkBytes;

    /// <summary>All of it, the manifest last.</summary>
    public static async Task SaveAsync(this TestWorld world, IObjectStore store)
    {
        var shards = new List<ManifestShard>();
        foreach (var rank in world.Ranks)
        {
            shards.Add(await SaveShardAsync(world, store, rank));
        }

        var manifest = new Manifest
        {
            Run = TestWorld.Run,
            Step = TestWorld.Checkpoint.Step,
            Attempt = TestWorld.Checkpoint.Attempt,
            WorldSize = world.Size,
            ChunkBytes = world.ChunkBytes,
            CreatedAt = new DateTimeOffset(2026, 11, 24, 8, 0, 0, TimeSpan.Zero),
            Lineage = [new LineageEntry { Attempt = TestWorld.Checkpoint.Attempt }],
            ImageBytes = shards.Sum(shard => shard.ImageBytes),
            StoredBytes = shards.Sum(shard => shard.StoredBytes),
            Shards = shards,
        };
        await PutAsync(store, RepositoryKeys.Manifest(TestWorld.Run, TestWorld.Checkpoint), manifest.Encode());
    }

    private static async Task<ManifestShard> SaveShardAsync(TestWorld world, IObjectStore store, Rank rank)
    {
        var layout = world.LayoutOf(rank);
        var image = world.ImageOf(rank);
        var hashes = world.HashesOf(image);
        var geometry = new ChunkGeometry(image.Length, world.ChunkBytes);
        var builder = new PackBuilder(TestWorld.Checkpoint, rank, PayloadBytes);
        for (var i = 0; i < geometry.CountIn(layout.StoredBytes); i++)
        {
            builder.Add(new PackEntry(i, CodecId.Raw, geometry.LengthOf(i), geometry.LengthOf(i), hashes[i]));
        }

        var chunks = hashes.Select(ChunkEntry.ElsewhereOf).ToArray();
        var packs = new List<PackReference>();
        foreach (var pack in builder.Build())
        {
            var bytes = new List<byte>(pack.Encode());
            for (var i = 0; i < pack.Entries.Count; i++)
            {
                var entry = pack.Entries[i];
                chunks[entry.Chunk] = new ChunkEntry(entry.Hash, entry.Codec, packs.Count, pack.OffsetOf(i), entry.StoredBytes);
                bytes.AddRange(image.AsSpan((int)geometry.OffsetOf(entry.Chunk), entry.RawBytes));
            }

            packs.Add(new PackReference(pack.Checkpoint, rank, pack.Number, pack.PackBytes));
            await PutAsync(store, RepositoryKeys.Pack(TestWorld.Run, TestWorld.Checkpoint, rank, pack.Number), [.. bytes]);
        }

        var index = new ShardIndex
        {
            Checkpoint = TestWorld.Checkpoint,
            Rank = rank,
            WorldSize = world.Size,
            ChunkBytes = world.ChunkBytes,
            ImageBytes = image.Length,
            StoredBytes = layout.StoredBytes,
            LayoutDigest = layout.Digest,
            Root = RootHash.Compute(image.Length, world.ChunkBytes, hashes),
            Packs = packs,
            Chunks = chunks,
            Extra = TestWorld.Extra(rank),
        };
        var encoded = index.Encode();
        await PutAsync(store, RepositoryKeys.Index(TestWorld.Run, TestWorld.Checkpoint, rank), encoded);
        await PutAsync(store, RepositoryKeys.Layout(TestWorld.Run, layout.Digest), layout.Utf8.ToArray());
        return new ManifestShard
        {
            Rank = rank,
            Layout = layout.Digest,
            IndexSha256 = Convert.ToHexStringLower(SHA256.HashData(encoded)),
            IndexBytes = encoded.Length,
            Root = index.Root.ToString(),
            ImageBytes = image.Length,
            StoredBytes = layout.StoredBytes,
            NanCount = 0,
            InfCount = 0,
        };
    }

    private static Task PutAsync(IObjectStore store, ObjectKey key, byte[] bytes) =>
        store.PutAsync(key, new ObjectContent(bytes), CancellationToken.None);
}
