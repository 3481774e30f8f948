using Checkpointer.Formats.Errors;
using Checkpointer.Storage.Decorators;
using Checkpointer.Storage.FileSystem;
using Checkpointer.Storage.Resilience;
using Checkpointer.Storage.S3;

namespace Checkpointer.Storage;

/// <summary>Opens the object store that options name.</summary>
public static class ObjectStores
{
    private const string Supported = "Supported are file:///path, a plain path and s3://bucket[/prefix].";

    /// <summary>What every process uses: the store that the options name, measured and resilient. Open one and share it.</summary>
    public static IObjectStore OpenResilient(StoreOptions options, TimeProvider timeProvider, Random random) => new ResilientObjectStore(
        new MeteredObjectStore(Open(options, timeProvider), StoreTelemetry.Meter, timeProvider),
        options.Resilience,
        StoreTelemetry.Meter,
        timeProvider,
        random);

    /// <summary>
    /// Opens the store of <see cref="StoreOptions.Url"/>; a folder is made if it is to be, nothing is asked of an
    /// S3 server yet. What makes no sense is <see cref="ErrorCode.ConfigurationInvalid"/>. The store is plain: it
    /// neither retries nor measures. It lives as long as the process: open one and share it.
    /// </summary>
    public static IObjectStore Open(StoreOptions options, TimeProvider timeProvider)
    {
        ArgumentNullException.ThrowIfNull(options);
        var url = options.Url;
        if (string.IsNullOrWhiteSpace(url))
        {
            throw new CheckpointerException(ErrorCode.ConfigurationInvalid, $"The store URL is empty. {Supported}");
        }

        var colon = url.IndexOf("://", StringComparison.Ordinal);
        if (colon < 0)
        {
            return new FolderObjectStore(url, options.CreateFolder);
        }

        var scheme = url[..colon].ToLowerInvariant();
        if (scheme == "s3")
        {
            return S3ObjectStore.Open(S3Settings.Resolve(options, Environment.GetEnvironmentVariable), timeProvider);
        }

        if (scheme == "file"
            && Uri.TryCreate(url, UriKind.Absolute, out var uri)
            && uri.Host.Length == 0
            && uri.Query.Length == 0
            && uri.Fragment.Length == 0)
        {
            return new FolderObjectStore(uri.LocalPath, options.CreateFolder);
        }

        // The URL itself is not repeated: it may hold a secret.
        throw new CheckpointerException(
            ErrorCode.ConfigurationInvalid, $"A store URL of scheme '{scheme}' cannot be opened. {Supported}");
    }

    /// <summary>
    /// What stands before a key to name the object as other tools take it: <c>s3://bucket/prefix/</c>, or a folder's full
    /// path with its slash. For options that <see cref="Open(StoreOptions, TimeProvider)"/> takes; never holds a secret.
    /// </summary>
    public static string PlaceOf(StoreOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Url.StartsWith("s3://", StringComparison.OrdinalIgnoreCase))
        {
            var url = S3Url.Parse(options.Url);
            return $"s3://{url.Bucket}/{url.Prefix}";
        }

        var path = options.Url.Contains("://", StringComparison.Ordinal) ? new Uri(options.Url).LocalPath : options.Url;
        return Path.GetFullPath(path).TrimEnd('/') + "/";
    }

    /// <summary>Opens a store that needs no more than its URL.</summary>
    public static IObjectStore Open(string url) => Open(new StoreOptions { Url = url }, TimeProvider.System);
}
