using System.CommandLine.Parsing;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Cli.Configuration;

/// <summary>Addresses such as <c>http://127.0.0.1:7070</c>, as users write them.</summary>
internal static class Addresses
{
    /// <summary>Reads an option's value.</summary>
    public static Uri? Parse(ArgumentResult result)
    {
        var text = result.Tokens.Single().Value;
        if (Uri.TryCreate(text, UriKind.Absolute, out var address))
        {
            return address;
        }

        result.AddError(Wrong($"'{text}'"));
        return null;
    }

    /// <summary>Reads the value of a variable; <see cref="ErrorCode.ConfigurationInvalid"/> if it is none.</summary>
    public static Uri Parse(string text, string variable) => Uri.TryCreate(text, UriKind.Absolute, out var address)
        ? address
        : throw new CheckpointerException(ErrorCode.ConfigurationInvalid, Wrong($"{variable} ('{text}')"));

    private static string Wrong(string what) => $"{what} is no address: write one such as http://127.0.0.1:7070.";
}
