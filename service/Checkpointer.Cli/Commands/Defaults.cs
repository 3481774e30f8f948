using System.CommandLine;
using System.CommandLine.Parsing;

namespace Checkpointer.Cli.Commands;

/// <summary>What verbs take from the environment when the command line does not say.</summary>
internal static class Defaults
{
    /// <summary>Where the service listens unless told otherwise.</summary>
    public const string ServiceAddress = "http://127.0.0.1:7070";

    /// <summary>A variable of the environment, or null if it is unset or empty.</summary>
    public static string? From(string variable) =>
        System.Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : null;

    /// <summary>Reads an address such as <c>http://127.0.0.1:7070</c>.</summary>
    public static Uri? ParseAddress(ArgumentResult result)
    {
        var text = result.Tokens.Single().Value;
        if (Uri.TryCreate(text, UriKind.Absolute, out var address))
        {
            return address;
        }

        result.AddError($"'{text}' is no address: write one such as {ServiceAddress}.");
        return null;
    }

    /// <summary><c>--store</c>, or CHECKPOINTER_STORE; one of them must be given.</summary>
    public static Option<string> StoreOption()
    {
        var option = new Option<string>("--store")
        {
            Description = "The object store: a folder that all nodes see, as a path or file:// URL. CHECKPOINTER_STORE.",
            HelpName = "URL",
            Required = From("CHECKPOINTER_STORE") is null,
        };
        if (!option.Required)
        {
            option.DefaultValueFactory = _ => From("CHECKPOINTER_STORE")!;
        }

        return option;
    }
}
