using System.Globalization;
using System.Text;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Indices;
using Checkpointer.Formats.Layouts;
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
        var writer = new CheckpointWriter(store, run, checkpoint, worldSize, ChunkBytes, PackPayloadBytes);
        foreach (var rank in Ranks)
        {
            var layout = LayoutOf(rank);
            _newest[rank] = await writer.WriteShardAsync(
                rank, layout, ImageOf(layout, rank, checkpoint), Encoding.UTF8.GetBytes("""{"data_cursor":7}"""), _newest.GetValueOrDefault(rank))
                .ConfigureAwait(false);
        }

        await writer.CommitAsync(_parent?.Step < checkpoint.Step ? _parent : null).ConfigureAwait(false);
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
}
