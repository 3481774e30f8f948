using System.Diagnostics.CodeAnalysis;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage;

/// <summary>
/// The name of an object: segments of <c>A-Z a-z 0-9 . _ -</c> joined by <c>/</c>, no segment empty, starting with a
/// dot, or longer than 255 characters, 900 characters in all. So a key is the same in a file system, in a URL and in
/// S3, and can never lead outside the store's root.
/// </summary>
public readonly record struct ObjectKey
{
    /// <summary>Longest permitted key, in characters (S3 permits 1,024 bytes, a prefix included).</summary>
    public const int MaxLength = 900;

    /// <summary>Longest permitted segment, in characters (the usual file system's limit).</summary>
    public const int MaxSegmentLength = 255;

    private readonly string? _value;

    /// <summary>Validates <paramref name="value"/>; throws <see cref="CheckpointerException"/> (invalid request) if it is no key.</summary>
    public ObjectKey(string value)
    {
        if (!IsValid(value))
        {
            throw new CheckpointerException(
                ErrorCode.InvalidRequest,
                "An object key must be segments of letters, digits, '.', '_' and '-' joined by '/', none empty or starting with '.'.");
        }

        _value = value;
    }

    /// <summary>The key itself.</summary>
    public string Value => _value ?? throw new InvalidOperationException("An uninitialised ObjectKey was used.");

    /// <summary>Whether <paramref name="value"/> is a valid key.</summary>
    public static bool IsValid([NotNullWhen(true)] string? value)
    {
        if (string.IsNullOrEmpty(value) || value.Length > MaxLength)
        {
            return false;
        }

        foreach (var range in value.AsSpan().Split('/'))
        {
            var segment = value.AsSpan(range);
            if (segment.IsEmpty || segment[0] == '.' || segment.Length > MaxSegmentLength)
            {
                return false;
            }

            foreach (var c in segment)
            {
                if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-'))
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => _value ?? "";
}
