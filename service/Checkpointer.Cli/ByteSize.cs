using System.CommandLine.Parsing;
using System.Globalization;

namespace Checkpointer.Cli;

/// <summary>Sizes as people write them.</summary>
internal static class ByteSize
{
    private static readonly (string Suffix, long Bytes)[] Units =
        [("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40), ("", 1)];

    /// <summary>A size for people: "512 B", "1.5 GiB".</summary>
    public static string Show(long bytes)
    {
        var (suffix, unitBytes) = Units.Where(unit => unit.Suffix.Length > 0).Reverse().FirstOrDefault(unit => bytes >= unit.Bytes, ("B", 1));
        return string.Create(CultureInfo.InvariantCulture, $"{(double)bytes / unitBytes:0.#} {suffix}");
    }

    /// <summary>Reads a positive whole number with KiB, MiB, GiB or TiB behind it, or of bytes.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        var (suffix, unitBytes) = Units.First(unit => text.EndsWith(unit.Suffix, StringComparison.OrdinalIgnoreCase));
        bytes = 0;
        if (!long.TryParse(text.AsSpan(0, text.Length - suffix.Length), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var number)
            || number <= 0 || number > long.MaxValue / unitBytes)
        {
            return false;
        }

        bytes = number * unitBytes;
        return true;
    }

    /// <summary>The same for an option of the command line that may also be 0.</summary>
    public static long? ParseOrZero(ArgumentResult result) => Read(result, 1, orZero: true);

    /// <summary>The same for an option of the command line.</summary>
    public static long? Parse(ArgumentResult result) => Read(result, 1, orZero: false);

    /// <summary>The same for one that must be at least <paramref name="least"/>, or perhaps 0.</summary>
    public static Func<ArgumentResult, long?> AtLeast(long least, bool orZero = false) => result => Read(result, least, orZero);

    private static long? Read(ArgumentResult result, long least, bool orZero)
    {
        if (orZero && result.Text() == "0")
        {
            return 0;
        }

        var zero = orZero ? "0, or " : "";
        return !TryParse(result.Text(), out var bytes)
            ? result.Refuse<long?>(
                "is no size", $"write {zero}a whole number of bytes, or one followed by KiB, MiB, GiB or TiB, such as 64MiB")
            : bytes < least
                ? result.Refuse<long?>("is too small", $"write {zero}at least {Show(least)}, such as 64MiB")
                : bytes;
    }
}
