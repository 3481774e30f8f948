using System.Buffers;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Service.Runs.Commands;

/// <summary>Checks of the texts in a request.</summary>
internal static class RequestText
{
    /// <summary>Letters, digits, '.', '_' and '-'.</summary>
    public static SearchValues<char> NameCharacters { get; } =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    /// <summary>The same and ':'.</summary>
    public static SearchValues<char> IncarnationCharacters { get; } =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-:");

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    /// <summary>Why <paramref name="text"/> is no name; null if it is one.</summary>
    public static Refusal? CheckName(string? text, string field, int maxLength, SearchValues<char> characters)
    {
        if (text is { Length: > 0 } && text.Length > maxLength)
        {
            return TooLong(field, maxLength);
        }

        return !string.IsNullOrEmpty(text) && !text.AsSpan().ContainsAnyExcept(characters)
            ? null
            : Invalid($"{field} must be 1 to {maxLength} of letters, digits and a few signs such as '.', '_' and '-'.");
    }

    /// <summary>Why <paramref name="text"/> is refused as free text; null if it isn't.</summary>
    public static Refusal? CheckLength(string? text, string field, int maxLength) =>
        text is null ? Invalid($"{field} must not be null.") : text.Length > maxLength ? TooLong(field, maxLength) : null;

    /// <summary>Why <paramref name="text"/> is no digest of <paramref name="digits"/> lower-case hex digits; null if it is.</summary>
    public static Refusal? CheckHex(string? text, string field, int digits) =>
        text is not null && text.Length == digits && !text.AsSpan().ContainsAnyExcept(HexDigits)
            ? null
            : Invalid($"{field} must be {digits} lower-case hex digits.");

    /// <summary>Malformed.</summary>
    public static Refusal Invalid(string message) => new(ErrorCode.InvalidRequest, message);

    /// <summary>More than a limit.</summary>
    public static Refusal TooMany(string field, int most) =>
        new(ErrorCode.LimitExceeded, $"{field} has more than {most} elements.");

    private static Refusal TooLong(string field, int most) =>
        new(ErrorCode.LimitExceeded, $"{field} is longer than {most} characters.");
}
