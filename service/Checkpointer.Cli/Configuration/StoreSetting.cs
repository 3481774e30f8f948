using System.CommandLine;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage;

namespace Checkpointer.Cli.Configuration;

/// <summary>Which object store a verb uses: <c>--store</c>, CHECKPOINTER_STORE, or the configuration file's.</summary>
internal static class StoreSetting
{
    private const string Variable = "CHECKPOINTER_STORE";

    /// <summary>The option, of every verb that needs a store.</summary>
    public static readonly Option<string?> Option = new("--store")
    {
        Description = "The object store: s3://bucket[/prefix][?endpoint=URL&…], or a folder that all nodes see, as a path or "
            + "file:// URL. CHECKPOINTER_STORE; store.url of the configuration file. Keys of S3 come from AWS_* variables, "
            + "~/.aws/credentials or the configuration file.",
        HelpName = "URL",
    };

    /// <summary>The store, or null if nothing names one.</summary>
    public static StoreOptions? Find(ParseResult parsed, Action<string>? warn = null)
    {
        var file = ConfigurationSetting.Of(parsed, warn);
        return (parsed.GetValue(Option) ?? Variables.Get(Variable) ?? file.Store.Url) is { } url ? With(url, file) : null;
    }

    /// <summary>The store; <see cref="ErrorCode.ConfigurationInvalid"/> if nothing names one.</summary>
    public static StoreOptions Of(ParseResult parsed, Action<string>? warn = null) => Find(parsed, warn) ?? throw new CheckpointerException(
        ErrorCode.ConfigurationInvalid,
        $"No object store is named: give --store URL, set {Variable}, or write store.url into a configuration file.");

    /// <summary>The store that <paramref name="url"/> names, reached as the configuration file says.</summary>
    public static StoreOptions With(string url, ConfigurationFile file) => new()
    {
        Url = url,
        S3 = file.Store.S3,
        Resilience = file.Store.Resilience,
    };
}
