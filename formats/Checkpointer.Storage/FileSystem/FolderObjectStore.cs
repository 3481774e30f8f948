using System.Runtime.CompilerServices;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.FileSystem;

/// <summary>
/// The store in whatever folder is at a path now. An open folder stays open when it is moved away or unmounted, and writes
/// to it would go where nobody looks: so every call first looks whether the path still leads there. If not, the store is
/// unavailable until a folder is at the path again; another one than before is opened anew.
/// </summary>
internal sealed class FolderObjectStore : IObjectStore, IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<FileSystemObjectStore> _left = [];
    private readonly string _path;
    private FileSystemObjectStore? _open;

    /// <summary>
    /// The store at <paramref name="path"/>. With <paramref name="createFolder"/> the folder is made now if it is not there,
    /// and only now; without, a missing one makes calls fail until it is there.
    /// </summary>
    public FolderObjectStore(string path, bool createFolder)
    {
        _path = Path.GetFullPath(path);
        Description = $"file system at {_path}";
        if (createFolder)
        {
            _open = new FileSystemObjectStore(_path);
        }
    }

    /// <inheritdoc/>
    public string Description { get; }

    /// <inheritdoc/>
    public Task PutAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken) =>
        Task.Run(() => Current().PutAsync(key, content, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public Task<PutOutcome> PutIfAbsentAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken) =>
        Task.Run(() => Current().PutIfAbsentAsync(key, content, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public Task ReadAsync(ObjectKey key, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return Task.Run(() => Current().ReadAsync(key, offset, destination, cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken) =>
        Task.Run(() => Current().HeadAsync(key, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var current = await Task.Run(Current, cancellationToken).ConfigureAwait(false);
        await foreach (var info in current.ListAsync(prefix, cancellationToken).ConfigureAwait(false))
        {
            yield return info;
        }
    }

    /// <inheritdoc/>
    public Task DeleteAsync(ObjectKey key, CancellationToken cancellationToken) =>
        Task.Run(() => Current().DeleteAsync(key, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _open?.Dispose();
            _left.ForEach(store => store.Dispose());
        }
    }

    private FileSystemObjectStore Current()
    {
        if (Volatile.Read(ref _open) is { } open && open.IsAt(_path))
        {
            return open;
        }

        if (!Directory.Exists(_path))
        {
            // Not transient: somebody has to mend it, and is told at once.
            throw new CheckpointerException(
                ErrorCode.StorageUnavailable,
                $"The store's folder '{_path}' is not there. Mount it, or bring it back if it was moved; only a service that starts makes one.");
        }

        lock (_gate)
        {
            if (_open is not null && _open.IsAt(_path))
            {
                return _open;
            }

            var fresh = new FileSystemObjectStore(_path);
            if (_open is not null)
            {
                // Calls may be under way in it.
                _left.Add(_open);
            }

            _open = fresh;
            return fresh;
        }
    }
}
