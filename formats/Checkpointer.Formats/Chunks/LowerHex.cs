using System.Buffers;

namespace Checkpointer.Formats.Chunks;

/// <summary>Lower-case hexadecimal, the one way in which hashes and digests are written as text.</summary>
internal static class LowerHex
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789abcdef");

    /// <summary>Whether <paramref name="text"/> is exactly <paramref name="length"/> lower-case hex digits.</summary>
    public static bool Is(string? text, int length) =>
        text is not null && text.Length == length && !text.AsSpan().ContainsAnyExcept(Digits);
}
