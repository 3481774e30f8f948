using System.Buffers.Binary;
using System.Diagnostics;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.NonFinite;
using Checkpointer.Formats.Tests.Samples;
using CsCheck;

namespace Checkpointer.Formats.Tests.NonFinite;

public sealed class NonFiniteCounterTests
{
    [Fact]
    public void Count_AnyBytes_AgreesWithTheScalarReference() =>
        Gen.Select(Gen.Enum<DType>(), Gen.Int[0, 200], Gen.Int[0, 7], Gen.OneOf(Gen.Const(0), Gen.Const(1), Gen.Const(3), Gen.Const(64)), Gen.ULong)
            .Sample((type, count, misalignment, oneIn, seed) =>
            {
                var buffer = Sample.MakeImage(misalignment + ((long)count * type.SizeBytes()), seed);
                var bytes = buffer.AsSpan(misalignment);
                for (var i = 0; oneIn > 0 && i < count; i += oneIn)
                {
                    MakeSpecial(type, bytes[(i * type.SizeBytes())..], i);
                }

                Assert.Equal(Reference(type, bytes), NonFiniteCounter.Count(type, bytes));
            }, iter: 5000);

    [Theory]
    [InlineData(DType.F8E4M3)]
    [InlineData(DType.F8E5M2)]
    [InlineData(DType.F16)]
    [InlineData(DType.BF16)]
    public void Count_EveryPatternOfASmallType_AgreesWithTheScalarReference(DType type)
    {
        var size = type.SizeBytes();
        var all = new byte[size << (8 * size)];
        for (var i = 0; i < 1 << (8 * size); i++)
        {
            all[i * size] = (byte)i;
            if (size == 2)
            {
                all[(i * 2) + 1] = (byte)(i >> 8);
            }
        }

        Assert.Equal(Reference(type, all), NonFiniteCounter.Count(type, all));
    }

    [Fact]
    public void Count_CutOffElement_IsRefused() =>
        Assert.Throws<ArgumentException>(() => NonFiniteCounter.Count(DType.F32, new byte[7]));

    [Fact]
    public void Count_LargeBuffer_ReportsItsSpeed()
    {
        var bytes = new byte[64 << 20];
        NonFiniteCounter.Count(DType.BF16, bytes);
        var watch = Stopwatch.StartNew();
        var count = NonFiniteCounter.Count(DType.BF16, bytes);
        var gigabytesPerSecond = bytes.Length / watch.Elapsed.TotalSeconds / 1e9;
        TestContext.Current.TestOutputHelper?.WriteLine($"BF16: {gigabytesPerSecond:F1} GB/s");
        Assert.False(count.Any);
    }

    private static void MakeSpecial(DType type, Span<byte> element, int which)
    {
        var sign = (which & 1) << 7;
        element[..type.SizeBytes()].Fill((byte)((which & 2) == 0 ? 0 : 0xff));
        switch (type)
        {
            case DType.F16: BinaryPrimitives.WriteUInt16LittleEndian(element, (ushort)((sign << 8) | 0x7c00 | (which & 2))); break;
            case DType.BF16: BinaryPrimitives.WriteUInt16LittleEndian(element, (ushort)((sign << 8) | 0x7f80 | (which & 2))); break;
            case DType.F32: BinaryPrimitives.WriteUInt32LittleEndian(element, ((uint)sign << 24) | 0x7f80_0000 | (uint)(which & 2)); break;
            case DType.F64: BinaryPrimitives.WriteUInt64LittleEndian(element, ((ulong)sign << 56) | 0x7ff0_0000_0000_0000 | (uint)(which & 2)); break;
            case DType.F8E5M2: element[0] = (byte)(sign | 0x7c | (which & 2)); break;
            case DType.F8E4M3: element[0] = (byte)(sign | 0x7e | (which & 2) >> 1); break;
            default: break;
        }
    }

    // By the platform's own arithmetic where it has the type, by the published tables where not.
    private static NonFiniteCount Reference(DType type, ReadOnlySpan<byte> bytes)
    {
        var count = default(NonFiniteCount);
        for (; !bytes.IsEmpty; bytes = bytes[type.SizeBytes()..])
        {
            var (nan, inf) = type switch
            {
                DType.F16 => Classify(BinaryPrimitives.ReadHalfLittleEndian(bytes)),
                DType.BF16 => Classify(BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(bytes) << 16)),
                DType.F32 => Classify(BinaryPrimitives.ReadSingleLittleEndian(bytes)),
                DType.F64 => Classify(BinaryPrimitives.ReadDoubleLittleEndian(bytes)),
                DType.F8E5M2 => Classify(BitConverter.UInt16BitsToHalf((ushort)(bytes[0] << 8))),
                DType.F8E4M3 => (bytes[0] is 0x7f or 0xff, false),
                _ => (false, false),
            };
            count += new NonFiniteCount(nan ? 1 : 0, inf ? 1 : 0);
        }

        return count;
    }

    private static (bool Nan, bool Inf) Classify(Half value) => (Half.IsNaN(value), Half.IsInfinity(value));

    private static (bool Nan, bool Inf) Classify(double value) => (double.IsNaN(value), double.IsInfinity(value));
}
