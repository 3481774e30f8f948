using System.Text;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Tests.Samples;
using CsCheck;

namespace Checkpointer.Formats.Tests.Layouts;

public sealed class LayoutTests
{
    private static readonly Gen<DType> AnyType = Gen.Enum<DType>();

    private static readonly Gen<Layout> AnyLayout =
        Gen.Select(Gen.String[1, 12], AnyType, Gen.Long[0, 5].Array[0, 4], Gen.Int[0, 3])
            .Array[0, 12]
            .Select(tensors =>
            {
                var builder = new LayoutBuilder();
                foreach (var (text, type, shape, kind) in tensors.DistinctBy(t => Clean(t.Item1)))
                {
                    var placement = kind == 0 ? null : new Placement
                    {
                        GlobalShape = [.. shape.Select(length => length + kind)],
                        Offsets = [.. shape.Select(_ => (long)(kind - 1))],
                        Replicas = kind >= 2 ? Sample.Ranks(0, 3, 999_999) : null,
                    };
                    builder.Add(Clean(text), type, shape, placement, stored: kind < 3);
                }

                return builder.Build();
            });

    [Fact]
    public void WriteThenParse_AnyLayout_GivesEqualTensors() => AnyLayout.Sample(layout =>
    {
        var again = Layout.Parse(LayoutWriter.Write([.. layout.Tensors]));
        return again.ImageBytes == layout.ImageBytes
            && again.StoredBytes == layout.StoredBytes
            && again.Tensors.Select(Describe).SequenceEqual(layout.Tensors.Select(Describe))
            && layout.StoredBytes == layout.Tensors.Where(tensor => tensor.Stored).Sum(tensor => tensor.SizeBytes);
    }, iter: 500);

    [Fact]
    public void Parse_AnyByteChanged_GivesAFaultOrAValue() =>
        Gen.Select(AnyLayout, Gen.Int[0, int.MaxValue], Gen.Byte).Sample((layout, at, value) =>
        {
            var bytes = layout.Utf8.ToArray();
            bytes[at % bytes.Length] = value;
            Faults.Parses(() => Layout.Parse(bytes));
        }, iter: 3000);

    [Fact]
    public void Parse_AnyPrefix_IsAFault()
    {
        var bytes = Sample.Layout.Utf8.Span;
        for (var length = 0; length < bytes.Length; length++)
        {
            var prefix = bytes[..length].ToArray();
            Assert.False(Faults.Parses(() => Layout.Parse(prefix)));
        }
    }

    [Fact]
    public void Parse_AnyBytes_NeverThrowsAnythingElse() =>
        Gen.Byte.Array[0, 200].Sample(bytes =>
        {
            Faults.Parses(() => Layout.Parse(bytes));
            Faults.Parses(() => Layout.Parse(LayoutFaultTests.WithPlacements(Encoding.Latin1.GetString(bytes))));
        }, iter: 2000);

    [Fact]
    public void Parse_TrailingSpaces_ArePartOfTheDigest()
    {
        var padded = Layout.Parse([.. Sample.Layout.Utf8.Span, (byte)' ', (byte)' ']);
        Assert.Equal(Sample.Layout.ImageBytes, padded.ImageBytes);
        Assert.NotEqual(Sample.Layout.Digest, padded.Digest);
    }

    [Fact]
    public void Build_MixedTensors_OrdersStoredThenElementSizeThenName()
    {
        var replicated = new Placement { GlobalShape = [1], Offsets = [0], Replicas = Sample.Ranks(0, 1) };
        var layout = new LayoutBuilder()
            .Add("z", DType.F64, [1], replicated, stored: false)
            .Add("b", DType.U8, [1])
            .Add("\uffff", DType.F32, [1])
            .Add("\U00010000", DType.F32, [1])
            .Add("a", DType.F32, [1])
            .Build();
        Assert.Equal(["a", "\uffff", "\U00010000", "b", "z"], layout.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(13, layout.StoredBytes);
    }

    [Theory]
    [InlineData("model.weight", 3)]
    [InlineData("norm.é", 5)]
    public void OwnerOf_AnyName_IsZlibCrc32OfTheName(string name, int count)
    {
        var ranks = Sample.Ranks([.. Enumerable.Range(10, count)]);
        Assert.Equal(ranks[(int)(Crc32Bitwise(Encoding.UTF8.GetBytes(name)) % (uint)count)], Placement.OwnerOf(name, ranks));
    }

    // The textbook form of zlib's CRC-32 (reflected polynomial 0xEDB88320), independent of the library's.
    private static uint Crc32Bitwise(byte[] bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
            }
        }

        return ~crc;
    }

    private static string Clean(string text) =>
        "t" + new string([.. text.Where(c => !char.IsControl(c) && !char.IsSurrogate(c))]);

    private static string Describe(TensorEntry tensor) => string.Join('|',
        tensor.Name, tensor.DType, string.Join(',', tensor.Shape), tensor.Begin, tensor.End, tensor.Stored,
        tensor.Placement is { } p ? string.Join(';', string.Join(',', p.GlobalShape), string.Join(',', p.Offsets), string.Join(',', p.Replicas ?? [])) : "-");
}
