using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Formats.NonFinite;

/// <summary>
/// Counts NaN and infinite values at memory speed. A value is not finite if and only if its exponent bits are all ones
/// (IEEE 754-2019, 3.4); with the sign bit cleared it then is, as an integer, the infinity if equal to that bit pattern
/// and a NaN if greater. Little-endian hosts only, as the image is. Stateless and thread-safe.
/// </summary>
public static class NonFiniteCounter
{
    // Vectors looked at together: one test decides for all of them that there is nothing to count.
    private const int VectorsAtOnce = 4;

    /// <summary>
    /// Counts in <paramref name="bytes"/>, whole little-endian elements of <paramref name="type"/>; zero for types that
    /// have no NaN. Throws <see cref="ArgumentException"/> if the last element is cut off.
    /// </summary>
    public static NonFiniteCount Count(DType type, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length % type.SizeBytes() != 0)
        {
            throw new ArgumentException($"{bytes.Length} bytes are no whole number of {type} values.", nameof(bytes));
        }

        return type switch
        {
            DType.F16 => Count<short>(bytes, 0x7fff, 0x7c00),
            DType.BF16 => Count<short>(bytes, 0x7fff, 0x7f80),
            DType.F32 => Count<int>(bytes, 0x7fff_ffff, 0x7f80_0000),
            DType.F64 => Count<long>(bytes, 0x7fff_ffff_ffff_ffff, 0x7ff0_0000_0000_0000),
            DType.F8E5M2 => Count<sbyte>(bytes, 0x7f, 0x7c),
            DType.F8E4M3 => AllNan(Count<sbyte>(bytes, 0x7f, 0x7f)),
            _ => default,
        };
    }

    // E4M3 (OCP 8-bit floating point, "FN") has no infinity: its one pattern of all ones is NaN.
    private static NonFiniteCount AllNan(NonFiniteCount count) => new(count.NanCount + count.InfCount, 0);

    private static NonFiniteCount Count<T>(ReadOnlySpan<byte> bytes, T magnitude, T infinity)
        where T : unmanaged, IBinaryInteger<T>
    {
        var values = MemoryMarshal.Cast<byte, T>(bytes);
        long nan = 0;
        long inf = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            var magnitudes = Vector256.Create(magnitude);
            var infinities = Vector256.Create(infinity);
            var width = Vector256<T>.Count;
            while (values.Length >= VectorsAtOnce * width)
            {
                var a = Vector256.Create(values) & magnitudes;
                var b = Vector256.Create(values[width..]) & magnitudes;
                var c = Vector256.Create(values[(2 * width)..]) & magnitudes;
                var d = Vector256.Create(values[(3 * width)..]) & magnitudes;
                var largest = Vector256.Max(Vector256.Max(a, b), Vector256.Max(c, d));
                if (Vector256.GreaterThanOrEqualAny(largest, infinities))
                {
                    Add(a, infinities, ref nan, ref inf);
                    Add(b, infinities, ref nan, ref inf);
                    Add(c, infinities, ref nan, ref inf);
                    Add(d, infinities, ref nan, ref inf);
                }

                values = values[(VectorsAtOnce * width)..];
            }
        }

        foreach (var value in values)
        {
            var bits = value & magnitude;
            nan += bits > infinity ? 1 : 0;
            inf += bits == infinity ? 1 : 0;
        }

        return new NonFiniteCount(nan, inf);
    }

    private static void Add<T>(Vector256<T> bits, Vector256<T> infinities, ref long nan, ref long inf)
    {
        nan += BitOperations.PopCount(Vector256.GreaterThan(bits, infinities).ExtractMostSignificantBits());
        inf += BitOperations.PopCount(Vector256.Equals(bits, infinities).ExtractMostSignificantBits());
    }
}
