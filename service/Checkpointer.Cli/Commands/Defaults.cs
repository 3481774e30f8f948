using System.CommandLine;

namespace Checkpointer.Cli.Commands;

/// <summary>What verbs take from the environment when the command line does not say.</summary>
internal static class Defaults
{
    /// <summary>Where the service listens unless told otherwise.</summary>
    public const string ServiceAddress = "http://127.0.0.1:7070";

    /// <summary>A variable of the environment, or null if it is unset or empty.</summary>
    public static string? From(string variable) =>
        System.Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : null;

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
