using System.Globalization;
using System.Text;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.TestKit;

namespace Checkpointer.Agent.Tests.Worlds;

/// <summary>
/// A model spread over ranks in all the ways there are: rows of one tensor, columns of another, replicas of some (of
/// which one rank each stores them), and one tensor that belongs to each rank alone. Worlds of different size and equal
/// seed hold the same model.
/// </summary>
internal sealed class TestWorld(int size, int seed = 1, int chunkBytes = TestWorld.DefaultChunkBytes)
{
    public const int DefaultChunkBytes = 1024;

    private const int Rows = 24;
    private const int Columns = 60;
    private const int Shared = 5;
    private const int SharedElements = 600;
    private const int OwnBytes = 777;

    public static RunId Run { get; } = RunId.Parse("sft-demo");

    public static CheckpointId Checkpoint { get; } = new(new Step(40), new Attempt(1));

    public int Size => size;

    public int ChunkBytes => chunkBytes;

    public IEnumerable<Rank> Ranks => Enumerable.Range(0, size).Select(rank => new Rank(rank));

    public static byte[] Extra(Rank rank) => Encoding.UTF8.GetBytes($$"""{"data_cursor":{{rank.Value * 100}}}""");

    public Layout LayoutOf(Rank rank, bool withOwn = true)
    {
        var builder = new LayoutBuilder()
            .Add("by_rows", DType.F32, [Rows / size, Columns], Place([Rows, Columns], [rank.Value * (Rows / size), 0]))
            .Add("by_columns", DType.BF16, [Rows, Columns / size], Place([Rows, Columns], [0, rank.Value * (Columns / size)]));
        for (var i = 0; i < Shared; i++)
        {
            var name = "shared" + i.ToString(CultureInfo.InvariantCulture);
            Rank[] all = [.. Ranks];
            var placement = size == 1
                ? Place([SharedElements], [0])
                : Place([SharedElements], [0]) with { Replicas = all };
            builder.Add(name, DType.F32, [SharedElements], placement, size == 1 || Placement.OwnerOf(name, all) == rank);
        }

        if (withOwn)
        {
            builder.Add("own", DType.U8, [OwnBytes]);
        }

        return builder.Build();
    }

    public byte[] ImageOf(Rank rank, bool withOwn = true)
    {
        var layout = LayoutOf(rank, withOwn);
        var image = new byte[layout.ImageBytes];
        foreach (var tensor in layout.Tensors)
        {
            SliceOf(tensor, rank).CopyTo(image.AsSpan((int)tensor.Begin));
        }

        return image;
    }

    public ChunkHash[] HashesOf(byte[] image)
    {
        var geometry = new ChunkGeometry(image.Length, chunkBytes);
        return [.. Enumerable.Range(0, geometry.Count).Select(i =>
            ChunkHash.Compute(image.AsSpan((int)geometry.OffsetOf(i), geometry.LengthOf(i))))];
    }

    public string RootOf(byte[] image) => RootHash.Compute(image.Length, chunkBytes, HashesOf(image)).ToString();

    public ImageSources Planned(Rank rank, params ImageSource[] sources)
    {
        var image = ImageOf(rank);
        return new ImageSources
        {
            Rank = rank,
            Layout = LayoutOf(rank).Digest,
            ImageBytes = image.Length,
            Root = RootOf(image),
            Sources = sources,
        };
    }

    public RecoveryPlan Plan(Func<Rank, ImageSource[]> sources) => new()
    {
        ResumeFrom = Checkpoint,
        Reason = "newest step that everybody holds",
        Images = [.. Ranks.Select(rank => Planned(rank, sources(rank)))],
    };

    public SealedImage Sealed(Rank rank)
    {
        var planned = Planned(rank);
        return new SealedImage
        {
            Layout = planned.Layout,
            ImageBytes = planned.ImageBytes,
            Root = planned.Root,
            NanCount = 0,
            InfCount = 0,
            NonFiniteTensors = [],
        };
    }

    private static Placement Place(long[] shape, long[] offsets) => new() { GlobalShape = shape, Offsets = offsets };

    private byte[] SliceOf(TensorEntry tensor, Rank rank)
    {
        if (tensor.Placement is null)
        {
            return TestBytes.Make((int)tensor.SizeBytes, seed + 1000 + rank.Value);
        }

        var element = tensor.DType.SizeBytes();
        var shape = tensor.Placement.GlobalShape;
        var whole = TestBytes.Make((int)(shape.Aggregate(1L, (a, b) => a * b) * element), seed + tensor.Name[^1]);
        if (shape.Count == 1)
        {
            return whole;
        }

        var slice = new List<byte>();
        for (var row = 0; row < tensor.Shape[0]; row++)
        {
            var at = (((tensor.Placement.Offsets[0] + row) * shape[1]) + tensor.Placement.Offsets[1]) * element;
            slice.AddRange(whole.AsSpan((int)at, (int)tensor.Shape[1] * element));
        }

        return [.. slice];
    }
}
