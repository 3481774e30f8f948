using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using CsCheck;

namespace Checkpointer.Formats.Tests.Resharding;

/// <summary>
/// A global tensor cut among ranks by a grid, every element holding its own global number: so an image says by itself
/// whether it is right.
/// </summary>
internal sealed record World(long[] GlobalShape, long[][] Cuts, DType Type)
{
    public static readonly Gen<(World From, World To)> AnyTwo =
        from shape in Gen.Long[1, 7].Array[0, 4]
        from type in Gen.OneOf(Gen.Const(DType.I64), Gen.Const(DType.U32))
        from first in CutsOf(shape)
        from second in CutsOf(shape)
        select (new World(shape, first, type), new World(shape, second, type));

    public Dictionary<Rank, Layout> Layouts { get; } = Cells(Cuts)
        .Select((cell, rank) => (cell, rank))
        .ToDictionary(
            pair => new Rank(pair.rank),
            pair => new LayoutBuilder()
                .Add("own", DType.U8, [pair.rank % 3])
                .Add("w", Type, [.. pair.cell.Select(range => range.End - range.Begin)], new Placement
                {
                    GlobalShape = GlobalShape,
                    Offsets = [.. pair.cell.Select(range => range.Begin)],
                })
                .Build());

    /// <summary>The image of a layout: every placed element is its global number, counted from 1.</summary>
    public static byte[] ImageOf(Layout layout)
    {
        var image = new byte[layout.ImageBytes];
        foreach (var tensor in layout.Tensors.Where(tensor => tensor.Placement is not null))
        {
            var size = tensor.DType.SizeBytes();
            var count = tensor.SizeBytes / size;
            for (long element = 0; element < count; element++)
            {
                var (rest, global, stride) = (element, 0L, 1L);
                for (var i = tensor.Shape.Count - 1; i >= 0; i--)
                {
                    global += (tensor.Placement!.Offsets[i] + (rest % tensor.Shape[i])) * stride;
                    rest /= tensor.Shape[i];
                    stride *= tensor.Placement.GlobalShape[i];
                }

                BitConverter.GetBytes(global + 1).AsSpan(0, size).CopyTo(image.AsSpan((int)(tensor.Begin + (element * size))));
            }
        }

        return image;
    }

    private static Gen<long[][]> CutsOf(long[] shape) => shape.Length == 0
        ? Gen.Const(Array.Empty<long[]>())
        : Gen.Long[0, 7].Array[0, 2].Array[shape.Length].Select(cuts => cuts
            .Select((cut, i) => cut.Where(at => at <= shape[i]).Append(0).Append(shape[i]).Order().ToArray())
            .ToArray());

    private static IEnumerable<(long Begin, long End)[]> Cells(long[][] cuts)
    {
        IEnumerable<(long, long)[]> cells = [[]];
        foreach (var cut in cuts)
        {
            cells = [.. cells.SelectMany(cell => cut.Zip(cut.Skip(1), (begin, end) => ((long, long)[])[.. cell, (begin, end)]))];
        }

        return cells;
    }
}
