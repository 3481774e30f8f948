using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Checkpointer.Formats.Identity;

/// <summary>
/// The name of one training job: a DNS label (RFC 1123): 1 to 63 of <c>a-z 0-9 -</c>, starting and ending with a
/// letter or digit. So it is safe as a folder, an object key segment, a host name and a metric label, and can hold
/// no path trick. The default value is invalid; <see cref="Value"/> throws on it.
/// </summary>
[JsonConverter(typeof(RunIdJsonConverter))]
public readonly record struct RunId : IParsable<RunId>
{
    /// <summary>Longest permitted name, in characters.</summary>
    public const int MaxLength = 63;

    private readonly string? _value;

    private RunId(string value) => _value = value;

    /// <summary>The name itself.</summary>
    public string Value => _value ?? throw new InvalidOperationException("An uninitialised RunId was used.");

    /// <summary>Parses <paramref name="s"/> or throws <see cref="FormatException"/> with what a run id must look like.</summary>
    public static RunId Parse(string s, IFormatProvider? provider = null) =>
        TryParse(s, provider, out var id)
            ? id
            : throw new FormatException(
                $"A run id is 1 to {MaxLength} lower-case letters, digits and inner hyphens; got '{Printable(s)}'.");

    /// <summary>Parses <paramref name="s"/>; false if it is no DNS label.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out RunId result)
    {
        result = default;
        if (string.IsNullOrEmpty(s) || s.Length > MaxLength || s[0] == '-' || s[^1] == '-')
        {
            return false;
        }

        foreach (var c in s)
        {
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c != '-')
            {
                return false;
            }
        }

        result = new RunId(s);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => _value ?? "";

    private static string Printable(string? s) =>
        s is null ? "" : new string([.. s.Take(80).Select(c => char.IsControl(c) ? '?' : c)]);
}
