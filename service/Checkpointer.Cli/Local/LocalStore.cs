using Checkpointer.Cli.Configuration;
using Checkpointer.Storage;

namespace Checkpointer.Cli.Local;

/// <summary>
/// The object store of a local cluster: a folder of its workspace, an S3 server of its own, or a place of its own in a store
/// that the user names. What was written into the user's is removed when disposed, unless kept.
/// </summary>
internal sealed class LocalStore : IAsyncDisposable
{
    /// <summary>What names a folder in the workspace.</summary>
    public const string Folder = "folder";

    /// <summary>What names an S3 server of the cluster's own.</summary>
    public const string S3 = "s3";

    private readonly LocalGateway? _gateway;
    private readonly Func<Task> _remove;

    private LocalStore(
        string kind,
        string url,
        string description,
        string? configurationPath = null,
        LocalGateway? gateway = null,
        Func<Task>? remove = null)
    {
        (Kind, Url, Description, _gateway) = (kind, url, description, gateway);
        Environment = new Dictionary<string, string> { [ConfigurationSetting.Variable] = configurationPath ?? "/dev/null" };
        _remove = remove ?? (() => Task.CompletedTask);
    }

    /// <summary>What it is in a word: <see cref="Folder"/> or <see cref="S3"/>.</summary>
    public string Kind { get; }

    /// <summary>Its URL, for the processes of the cluster.</summary>
    public string Url { get; }

    /// <summary>What and where it is, for people.</summary>
    public string Description { get; }

    /// <summary>
    /// What the cluster's processes need in their environment to reach it: the user's configuration file for the user's
    /// store, none for another. Keys of S3 are in files, or in the environment already.
    /// </summary>
    public IReadOnlyDictionary<string, string> Environment { get; }

    /// <summary>A folder in <paramref name="workspace"/>.</summary>
    public static LocalStore InFolder(LocalWorkspace workspace)
    {
        var folder = Path.Combine(workspace.Root, "store");
        return new LocalStore(Folder, folder, "a folder");
    }

    /// <summary>A new S3 server with room for <paramref name="memoryBytes"/> of objects.</summary>
    public static async Task<LocalStore> OnGatewayAsync(
        SourceTree source,
        LocalWorkspace workspace,
        long memoryBytes,
        Action<string> say,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var gateway = await LocalGateway.StartAsync(source, workspace, memoryBytes, say, time, cancellationToken).ConfigureAwait(false);
        return new LocalStore(S3, gateway.StoreUrl, "S3, a Ceph object gateway on this machine", gateway: gateway);
    }

    /// <summary>
    /// A place of its own, which nothing else uses, in the store that <paramref name="options"/> name, as the configuration
    /// file at <paramref name="configurationPath"/> had its part in.
    /// </summary>
    public static LocalStore Inside(StoreOptions options, string? configurationPath, bool keep, TimeProvider time)
    {
        var url = Beneath(options.Url, "checkpointer-" + Path.GetRandomFileName().Replace('.', '-'));
        var store = ObjectStores.OpenResilient(options with { Url = url }, time, new Random(0));
        var isFolder = !url.StartsWith("s3://", StringComparison.OrdinalIgnoreCase);
        return new LocalStore(
            isFolder ? Folder : S3,
            url,
            store.Description,
            configurationPath,
            remove: keep ? null : () => isFolder ? RemoveFolder(url) : RemoveAllAsync(store));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _remove().ConfigureAwait(false);
        if (_gateway is { } gateway)
        {
            await gateway.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static string Beneath(string url, string name)
    {
        var query = url.IndexOf('?', StringComparison.Ordinal);
        var (place, options) = query < 0 ? (url, "") : (url[..query], url[query..]);
        return place.Contains("://", StringComparison.Ordinal)
            ? $"{place.TrimEnd('/')}/{name}{options}"
            : Path.Combine(Path.GetFullPath(url), name);
    }

    private static Task RemoveFolder(string url)
    {
        var folder = new DirectoryInfo(url.Contains("://", StringComparison.Ordinal) ? new Uri(url).LocalPath : url);
        if (folder.Exists)
        {
            folder.Delete(recursive: true);
        }

        return Task.CompletedTask;
    }

    private static async Task RemoveAllAsync(IObjectStore store)
    {
        await foreach (var found in store.ListAsync("", CancellationToken.None).ConfigureAwait(false))
        {
            await store.DeleteAsync(found.Key, CancellationToken.None).ConfigureAwait(false);
        }
    }
}
