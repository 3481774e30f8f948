using System.CommandLine.Parsing;
using System.Diagnostics.CodeAnalysis;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Cli.Configuration;

/// <summary>Addresses such as <c>http://127.0.0.1:7070</c>, as users write them.</summary>
internal static class Addresses
{
    private const string Wrong = "is no address";
    private const string Example = "write one such as http://127.0.0.1:7070";

    /// <summary>Reads an option's value.</summary>
    public static Uri? Parse(ArgumentResult result) =>
        TryParse(result.Text(), out var address) ? address : result.Refuse<Uri>(Wrong, Example);

    /// <summary>Reads the value of a variable; <see cref="ErrorCode.ConfigurationInvalid"/> if it is none.</summary>
    public static Uri Parse(string text, string variable) => TryParse(text, out var address)
        ? address
        : throw new CheckpointerException(ErrorCode.ConfigurationInvalid, $"{variable}: '{text}' {Wrong}: {Example}.");

    // "localhost:7070" would be an address too, of the scheme 'localhost'; a path one of the scheme 'file'.
    private static bool TryParse(string text, [NotNullWhen(true)] out Uri? address) =>
        Uri.TryCreate(text, UriKind.Absolute, out address) && address is { Scheme: "http" or "https" } && address.Host.Length > 0;
}
