using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Codecs;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Indices;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Manifests;
using Checkpointer.Formats.Packs;
using Checkpointer.Storage;

namespace Checkpointer.TestKit.Checkpoints;

/// <summary>
/// Writes the checkpoints of a small run into a store as agents and service would (formats/SPEC.md): every rank has rows
/// of <c>weights</c>, which change at each step, rows of <c>frozen</c>, which never do and are taken from the packs of the
/// checkpoint before, a tensor <c>own</c>, and replicas of <c>shared0</c> to <c>shared3</c>, each stored by one rank.
/// </summary>
public sealed class StoredRun(IObjectStore store, RunId run, int worldSize = 2)
{
    /// <summary>Chunk length.</summary>
    public const int ChunkBytes = 1024;

    private const int PackPayloadBytes = 4 * ChunkBytes;
    private const int RowsOfRank = 6;
    private const int Columns = 512;
    private const int Shared = 4;

    private readonly Dictionary<Rank, ShardIndex> _newest = [];
    private CheckpointId? _parent;

    /// <summary>The store.</summary>
    public IObjectStore Store => store;

    /// <summary>The run.</summary>
    public RunId Run => run;

    /// <summary>The ranks.</summary>
    public IEnumerable<Rank> Ranks => Enumerable.Range(0, worldSize).Select(rank => new Rank(rank));

    /// <summary>The layout of one rank, the same at every step.</summary>
    public Layout LayoutOf(Rank rank)
    {
        var builder = new LayoutBuilder()
            .Add("weights", DType.F32, [RowsOfRank, Columns], Rows(rank))
            .Add("frozen", DType.F32, [RowsOfRank, Columns], Rows(rank))
            .Add("own", DType.U8, [777]);
        for (var i = 0; i < Shared; i++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"shared{i}");
            Rank[] all = [.. Ranks];
            var placement = new Placement { GlobalShape = [300], Offsets = [0], Replicas = worldSize == 1 ? null : all };
            builder.Add(name, DType.F32, [300], placement, worldSize == 1 || Placement.OwnerOf(name, all) == rank);
        }

        return builder.Build();
    }

    /// <summary>The index that the newest checkpoint has of one rank.</summary>
    public ShardIndex IndexOf(Rank rank) => _newest[rank];

    /// <summary>Stores all shards of a step and commits it.</summary>
    public async Task<CheckpointId> SaveAsync(int step, int attempt = 1)
    {
        var checkpoint = new CheckpointId(new Step(step), new Attempt(attempt));
        var shards = new List<ManifestShard>();
        foreach (var rank in Ranks)
        {
            shards.Add(await SaveShardAsync(checkpoint, rank).ConfigureAwait(false));
        }

        await PutAsync(RepositoryKeys.Manifest(run, checkpoint), ManifestOf(checkpoint, shards).Encode()).ConfigureAwait(false);
        _parent = checkpoint;
        return checkpoint;
    }

    /// <summary>The object that holds one chunk of a rank's newest image, and where it begins there.</summary>
    public (ObjectKey Key, int OffsetBytes) PlaceOf(Rank rank, int chunk)
    {
        var entry = _newest[rank].Chunks[chunk];
        var pack = _newest[rank].Packs[entry.Pack];
        return (RepositoryKeys.Pack(run, pack.Checkpoint, pack.Rank, pack.Number), entry.OffsetBytes);
    }

    /// <summary>The first chunk that lies wholly in a tensor.</summary>
    public int ChunkIn(Rank rank, string tensor) =>
        (int)((LayoutOf(rank).Find(tensor)!.Begin + ChunkBytes - 1) / ChunkBytes);

    private Placement Rows(Rank rank) =>
        new() { GlobalShape = [RowsOfRank * worldSize, Columns], Offsets = [RowsOfRank * rank.Value, 0] };

    private Manifest ManifestOf(CheckpointId checkpoint, List<ManifestShard> shards) => new()
    {
        Run = run,
        Step = checkpoint.Step,
        Attempt = checkpoint.Attempt,
        WorldSize = worldSize,
        ChunkBytes = ChunkBytes,
        CreatedAt = new DateTimeOffset(2026, 11, 24, 8, 0, 0, TimeSpan.Zero).AddMinutes(checkpoint.Step.Value),
        Parent = _parent?.Step < checkpoint.Step ? _parent : null,
        Lineage = [new LineageEntry { Attempt = checkpoint.Attempt }],
        ImageBytes = shards.Sum(shard => shard.ImageBytes),
        StoredBytes = shards.Sum(shard => shard.StoredBytes),
        Shards = shards,
    };

    private static byte[] ImageOf(Layout layout, Rank rank, CheckpointId checkpoint)
    {
        var image = new byte[layout.ImageBytes];
        foreach (var tensor in layout.Tensors)
        {
            var seed = tensor.Name switch
            {
                "weights" => (int)(checkpoint.Step.Value * 100) + rank.Value,
                "frozen" or "own" => 7000 + rank.Value,
                _ => tensor.Name[^1],
            };
            TestBytes.Make((int)tensor.SizeBytes, seed).CopyTo(image.AsSpan((int)tensor.Begin));
        }

        return image;
    }

    private async Task<ManifestShard> SaveShardAsync(CheckpointId checkpoint, Rank rank)
    {
        var layout = LayoutOf(rank);
        var image = ImageOf(layout, rank, checkpoint);
        var geometry = new ChunkGeometry(image.Length, ChunkBytes);
        ChunkHash[] hashes = [.. Enumerable.Range(0, geometry.Count).Select(i => ChunkHash.Compute(Chunk(image, geometry, i)))];
        var older = _newest.GetValueOrDefault(rank);
        var places = new Dictionary<int, (PackReference Pack, ChunkEntry Entry)>();
        var builder = new PackBuilder(checkpoint, rank, PackPayloadBytes);
        for (var i = 0; i < geometry.CountIn(layout.StoredBytes); i++)
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

        return await SaveIndexAsync(checkpoint, rank, layout, geometry, hashes, places).ConfigureAwait(false);
    }

    private async Task<ManifestShard> SaveIndexAsync(
        CheckpointId checkpoint,
        Rank rank,
        Layout layout,
        ChunkGeometry geometry,
        ChunkHash[] hashes,
        Dictionary<int, (PackReference Pack, ChunkEntry Entry)> places)
    {
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
            ChunkBytes = ChunkBytes,
            ImageBytes = geometry.ImageBytes,
            StoredBytes = layout.StoredBytes,
            LayoutDigest = layout.Digest,
            Root = RootHash.Compute(geometry.ImageBytes, ChunkBytes, hashes),
            Packs = packs,
            Chunks =
            [
                .. hashes.Select((hash, chunk) => places.TryGetValue(chunk, out var place)
                    ? place.Entry with { Pack = Array.IndexOf(packs, place.Pack) }
                    : ChunkEntry.ElsewhereOf(hash)),
            ],
            Extra = Encoding.UTF8.GetBytes("""{"data_cursor":7}"""),
        };
        _newest[rank] = index;
        var encoded = index.Encode();
        await PutAsync(RepositoryKeys.Index(run, checkpoint, rank), encoded).ConfigureAwait(false);
        await PutAsync(RepositoryKeys.Layout(run, layout.Digest), layout.Utf8.ToArray()).ConfigureAwait(false);
        return new ManifestShard
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
        };
    }

    private static ReadOnlySpan<byte> Chunk(byte[] image, ChunkGeometry geometry, int chunk) =>
        image.AsSpan((int)geometry.OffsetOf(chunk), geometry.LengthOf(chunk));

    private Task PutAsync(ObjectKey key, byte[] bytes) =>
        store.PutAsync(key, new ObjectContent(bytes), CancellationToken.None);
}
