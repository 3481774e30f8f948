using System.Globalization;

namespace Checkpointer.Benchmarks;

/// <summary>Sizes as people write them.</summary>
internal static class ByteSize
{
    /// <summary>Parses a whole number with KiB, MiB or GiB behind it, or of bytes.</summary>
    public static long Parse(string text)
    {
        (string Suffix, int Shift)[] units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("", 0)];
        var (suffix, shift) = units.First(unit => text.EndsWith(unit.Suffix, StringComparison.OrdinalIgnoreCase));
        return long.Parse(text.AsSpan(0, text.Length - suffix.Length), CultureInfo.InvariantCulture) << shift;
    }
}
