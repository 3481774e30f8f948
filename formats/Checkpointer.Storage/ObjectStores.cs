using Checkpointer.Formats.Errors;
using Checkpointer.Storage.Decorators;
using Checkpointer.Storage.FileSystem;
using Checkpointer.Storage.Resilience;

namespace Checkpointer.Storage;

/// <summary>Opens the object store that a URL names.</summary>
public static class ObjectStores
{
    private const string Supported = "Supported are file:///path and a plain path.";

    /// <summary>What every process uses: the store that the URL names, measured and resilient. Open one and share it.</summary>
    public static IObjectStore OpenResilient(string url, TimeProvider timeProvider, Random random) => new ResilientObjectStore(
        new MeteredObjectStore(Open(url), StoreTelemetry.Meter, timeProvider),
        new ResilienceOptions(),
        StoreTelemetry.Meter,
        timeProvider,
        random);

    /// <summary>
    /// Opens <c>file:///path</c> or a plain path (made if it does not exist). Anything else is
    /// <see cref="ErrorCode.ConfigurationInvalid"/>. The store lives as long as the process: open one and share it.
    /// </summary>
    public static IObjectStore Open(string url) => Open(url, createFolder: true);

    /// <summary>
    /// The same; without <paramref name="createFolder"/> a folder that is not there is not made, and calls fail, transiently,
    /// until it is there.
    /// </summary>
    public static IObjectStore Open(string url, bool createFolder)
    {
        if (string.IsNullOrWhiteSpace(url))
        {
            throw new CheckpointerException(ErrorCode.ConfigurationInvalid, $"The store URL is empty. {Supported}");
        }

        var colon = url.IndexOf("://", StringComparison.Ordinal);
        if (colon < 0)
        {
            return new FolderObjectStore(url, createFolder);
        }

        if (url[..colon].Equals("file", StringComparison.OrdinalIgnoreCase)
            && Uri.TryCreate(url, UriKind.Absolute, out var uri)
            && uri.Host.Length == 0
            && uri.Query.Length == 0
            && uri.Fragment.Length == 0)
        {
            return new FolderObjectStore(uri.LocalPath, createFolder);
        }

        // The URL itself is not repeated: it may hold a secret.
        throw new CheckpointerException(
            ErrorCode.ConfigurationInvalid, $"A store URL of scheme '{url[..colon]}' cannot be opened. {Supported}");
    }
}
