using System.Security.Cryptography;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Codecs;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Indices;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Packs;
using Checkpointer.Storage;

namespace Checkpointer.Agent.Tests.Draining;

/// <summary>Reads a shard back as the format's page says, trusting nothing of the writer.</summary>
internal static class ShardReader
{
    public static async Task<ShardIndex> ReadIndexAsync(IObjectStore store, RunId run, CheckpointId checkpoint, int rank = 0) =>
        ShardIndex.Parse(await store.ReadAllAsync(
            RepositoryKeys.Index(run, checkpoint, new Rank(rank)), ShardIndex.MaxBytes, TestContext.Current.CancellationToken));

    /// <summary>The stored prefix of the image, after every check; also that the report tells the truth.</summary>
    public static async Task<byte[]> ReadAsync(IObjectStore store, RunId run, ShardReport report)
    {
        var cancel = TestContext.Current.CancellationToken;
        var key = RepositoryKeys.Index(run, report.Checkpoint, report.Rank);
        var bytes = await store.ReadAllAsync(key, ShardIndex.MaxBytes, cancel);
        Assert.Equal(report.IndexSha256, Convert.ToHexStringLower(SHA256.HashData(bytes)));
        Assert.Equal(report.IndexBytes, bytes.Length);
        var index = ShardIndex.Parse(bytes);
        Assert.Equal(report.Image.Root, index.Root.ToString());
        Assert.Equal(report.StoredBytes, index.StoredBytes);
        return await ReadAsync(store, run, index);
    }

    /// <summary>The stored prefix of the image that the index describes, after every check.</summary>
    public static async Task<byte[]> ReadAsync(IObjectStore store, RunId run, ShardIndex index)
    {
        var cancel = TestContext.Current.CancellationToken;
        var layout = Layout.Parse(await store.ReadAllAsync(
            RepositoryKeys.Layout(run, index.LayoutDigest), Layout.MaxBytes, cancel));
        Assert.Equal(index.LayoutDigest, layout.Digest);
        Assert.Equal(layout.StoredBytes, index.StoredBytes);
        foreach (var pack in index.Packs)
        {
            var packKey = RepositoryKeys.Pack(run, pack.Checkpoint, pack.Rank, pack.Number);
            var packBytes = await store.ReadAllAsync(packKey, int.MaxValue, cancel);
            Assert.Equal(pack.PackBytes, packBytes.Length);
            Assert.Equal(pack.Checkpoint, PackHeader.Parse(packBytes).Checkpoint);
        }

        var prefix = new byte[index.StoredBytes];
        for (var chunk = 0; chunk < index.Chunks.Count; chunk++)
        {
            var entry = index.Chunks[chunk];
            if (entry.Codec == CodecId.Elsewhere)
            {
                continue;
            }

            var pack = index.Packs[entry.Pack];
            var raw = new byte[entry.StoredBytes];
            await store.ReadAsync(
                RepositoryKeys.Pack(run, pack.Checkpoint, pack.Rank, pack.Number), entry.OffsetBytes, raw, cancel);
            Assert.Equal(entry.Hash, ChunkHash.Compute(raw));
            var offset = index.Geometry.OffsetOf(chunk);
            raw.AsSpan(0, (int)Math.Min(raw.Length, prefix.Length - offset)).CopyTo(prefix.AsSpan((int)offset));
        }

        return prefix;
    }
}
