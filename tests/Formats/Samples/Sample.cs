using System.Text;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Codecs;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Indices;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Manifests;
using Checkpointer.Formats.Packs;

namespace Checkpointer.Formats.Tests.Samples;

/// <summary>One small checkpoint, the same in every test run: what the golden files hold.</summary>
internal static class Sample
{
    public const int ChunkBytes = 4096;

    public static readonly CheckpointId Checkpoint = new(new Step(40), new Attempt(2));

    public static readonly CheckpointId Older = new(new Step(30), new Attempt(1));

    public static Layout Layout { get; } = new LayoutBuilder()
        .Add("model.weight", DType.BF16, [64, 96], new Placement { GlobalShape = [128, 96], Offsets = [64, 0] })
        .Add("optimizer.exp_avg", DType.F32, [64, 96], new Placement { GlobalShape = [128, 96], Offsets = [64, 0] })
        .Add("norm.é", DType.F32, [96], new Placement { GlobalShape = [96], Offsets = [0], Replicas = Ranks(0, 1) }, stored: false)
        .Add("empty", DType.F64, [0, 7])
        .Add("step", DType.I64, [])
        .Add("rng", DType.U8, [13])
        .Build();

    public static byte[] Image { get; } = MakeImage(Layout.ImageBytes, seed: 1);

    public static ChunkGeometry Geometry => new(Layout.ImageBytes, ChunkBytes);

    public static ChunkHash[] Hashes { get; } =
        [.. Enumerable.Range(0, Geometry.Count).Select(i => ChunkHash.Compute(ChunkOf(i)))];

    public static IReadOnlyList<PackHeader> Packs { get; } = MakePacks();

    public static ShardIndex Index { get; } = MakeIndex();

    public static Manifest Manifest { get; } = MakeManifest();

    public static Rank[] Ranks(params int[] ranks) => [.. ranks.Select(rank => new Rank(rank))];

    public static ReadOnlySpan<byte> ChunkOf(int chunk) =>
        Image.AsSpan((int)Geometry.OffsetOf(chunk), Geometry.LengthOf(chunk));

    public static byte[] PackBytes(PackHeader pack) =>
        [.. pack.Encode(), .. pack.Entries.SelectMany(entry => ChunkOf(entry.Chunk).ToArray())];

    /// <summary>Bytes from a linear congruential generator (Knuth's MMIX constants): the same on every platform.</summary>
    public static byte[] MakeImage(long bytes, ulong seed)
    {
        var image = new byte[bytes];
        foreach (ref var value in image.AsSpan())
        {
            seed = (seed * 6364136223846793005) + 1442695040888963407;
            value = (byte)(seed >> 56);
        }

        return image;
    }

    private static IReadOnlyList<PackHeader> MakePacks()
    {
        // Chunk 1 is taken from an older checkpoint, so the packs skip it.
        var builder = new PackBuilder(Checkpoint, new Rank(1), maxPayloadBytes: 5 * ChunkBytes);
        for (var i = 0; i < Geometry.CountIn(Layout.StoredBytes); i++)
        {
            if (i != 1)
            {
                builder.Add(new PackEntry(i, CodecId.Raw, Geometry.LengthOf(i), Geometry.LengthOf(i), Hashes[i]));
            }
        }

        return builder.Build();
    }

    private static ShardIndex MakeIndex()
    {
        var chunks = Hashes.Select(ChunkEntry.ElsewhereOf).ToArray();
        chunks[1] = new ChunkEntry(Hashes[1], CodecId.Raw, 0, 112 + 32, Geometry.LengthOf(1));
        var references = new List<PackReference> { new(Older, new Rank(1), 0, 112 + 32 + ChunkBytes) };
        foreach (var pack in Packs)
        {
            for (var i = 0; i < pack.Entries.Count; i++)
            {
                var entry = pack.Entries[i];
                chunks[entry.Chunk] = new ChunkEntry(entry.Hash, entry.Codec, references.Count, pack.OffsetOf(i), entry.StoredBytes);
            }

            references.Add(new PackReference(pack.Checkpoint, pack.Rank, pack.Number, pack.PackBytes));
        }

        return new ShardIndex
        {
            Checkpoint = Checkpoint,
            Rank = new Rank(1),
            WorldSize = 2,
            ChunkBytes = ChunkBytes,
            ImageBytes = Layout.ImageBytes,
            StoredBytes = Layout.StoredBytes,
            LayoutDigest = Layout.Digest,
            Root = RootHash.Compute(Layout.ImageBytes, ChunkBytes, Hashes),
            Packs = references,
            Chunks = chunks,
            Extra = Encoding.UTF8.GetBytes("""{"data_cursor":{"epoch":3,"sample":1048576}}"""),
        };
    }

    private static Manifest MakeManifest() => new()
    {
        Run = RunId.Parse("sft-demo"),
        Step = Checkpoint.Step,
        Attempt = Checkpoint.Attempt,
        WorldSize = 2,
        ChunkBytes = ChunkBytes,
        CreatedAt = new DateTimeOffset(2026, 11, 24, 8, 0, 0, 125, TimeSpan.Zero),
        Parent = Older,
        Lineage =
        [
            new LineageEntry { Attempt = new Attempt(1) },
            new LineageEntry { Attempt = new Attempt(2), ResumedFrom = Older },
        ],
        ImageBytes = 2 * Layout.ImageBytes,
        StoredBytes = 2 * Layout.StoredBytes,
        Shards = [MakeShard(0), MakeShard(1)],
    };

    private static ManifestShard MakeShard(int rank) => new()
    {
        Rank = new Rank(rank),
        Layout = Layout.Digest,
        IndexSha256 = new string((char)('a' + rank), 64),
        IndexBytes = 1000 + rank,
        Root = Index.Root.ToString(),
        ImageBytes = Layout.ImageBytes,
        StoredBytes = Layout.StoredBytes,
        NanCount = 0,
        InfCount = rank,
    };
}
