using System.Runtime.CompilerServices;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.CrashPoints;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Storage.FileSystem;

/// <summary>
/// Objects as files beneath one folder, a key's segments as folders. A put writes a temporary file, syncs it, gives it
/// its name by <c>link</c> (if absent) or <c>rename</c> (replacing), and syncs the folder: at any instant a crash
/// leaves the whole object or none. Folders that become empty by a delete are removed; a put that loses its folder to
/// that makes it again.
/// <para>
/// One thing differs from S3, and no key of a repository depends on it: while <c>a/b</c> exists, <c>a</c> cannot
/// (<see cref="ErrorCode.StorageFailed"/>), for a name is a file or a folder.
/// </para>
/// </summary>
internal sealed class FileSystemObjectStore : IObjectStore, IDisposable
{
    /// <summary>
    /// How often a put makes its folder again after deletes removed it. Each time needs another delete at just that
    /// instant, so reaching this means that something else removes folders.
    /// </summary>
    private const int MaxFolderAttempts = 64;

    private readonly SafeFileHandle _root;
    private readonly ObjectFolders _folders;
    private readonly TemporaryFiles _temporary;

    /// <summary>Opens the store at <paramref name="rootPath"/>, creating the folder if need be, and sweeps what dead processes left.</summary>
    public FileSystemObjectStore(string rootPath)
    {
        rootPath = Path.GetFullPath(rootPath);
        Description = $"file system at {rootPath}";
        try
        {
            Directory.CreateDirectory(rootPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointerException(
                ErrorCode.StorageFailed, $"Could not create the store's folder '{rootPath}': {e.Message}", inner: e);
        }

        _root = Posix.OpenFolder(rootPath, out var errno)
            ?? throw Errno.ToException(errno, "open the store's folder", rootPath);
        _folders = new ObjectFolders(_root);
        _temporary = TemporaryFiles.Open(_root, rootPath);
    }

    /// <inheritdoc/>
    public string Description { get; }

    /// <inheritdoc/>
    public Task PutAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken) =>
        OnOwnThread(() => Put(key, content, replace: true, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public Task<PutOutcome> PutIfAbsentAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken) =>
        OnOwnThread(
            () => ExistsDurably(key) ? PutOutcome.AlreadyExists : Put(key, content, replace: false, cancellationToken),
            cancellationToken);

    /// <inheritdoc/>
    public Task ReadAsync(ObjectKey key, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return Task.Run(() => Read(key, offset, destination, cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken) =>
        Task.Run(() => Head(key), cancellationToken);

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var objects = new ObjectListing(_folders, prefix).GetEnumerator();
        while (await Task.Run(objects.MoveNext, cancellationToken).ConfigureAwait(false))
        {
            yield return objects.Current;
        }
    }

    /// <inheritdoc/>
    public Task DeleteAsync(ObjectKey key, CancellationToken cancellationToken) =>
        OnOwnThread(
            () =>
            {
                Delete(key);
                return true;
            },
            cancellationToken);

    /// <summary>Whether <paramref name="path"/> leads to the folder that is open here.</summary>
    public bool IsAt(string path) =>
        Posix.StatPath(path, out var there) == 0 && Posix.Stat(_root, out var open) == 0 && there.Identity == open.Identity;

    /// <summary>Releases the store's lock. No call may be under way.</summary>
    public void Dispose()
    {
        _temporary.Dispose();
        _folders.Dispose();
        _root.Dispose();
    }

    /// <summary>
    /// Syncing takes milliseconds to seconds without yielding its thread, and several puts run at once: on the pool
    /// they would starve everything else in the process.
    /// </summary>
    private static Task<T> OnOwnThread<T>(Func<T> work, CancellationToken cancellationToken) => Task.Factory.StartNew(
        work,
        cancellationToken,
        TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach,
        TaskScheduler.Default);

    private PutOutcome Put(ObjectKey key, ObjectContent content, bool replace, CancellationToken cancellationToken)
    {
        var file = _temporary.Create(key.Value, out var temporaryName);
        try
        {
            using (file)
            {
                FileWriter.Write(file, content, key.Value, cancellationToken);
                CrashPoint.Reach(CrashPointNames.FilePutWritten);
                Errno.Check(Posix.Sync(file), "sync", key.Value);
            }

            CrashPoint.Reach(CrashPointNames.FilePutSynced);

            // The last moment to give up: from here on the object exists, so the call must see it through.
            cancellationToken.ThrowIfCancellationRequested();
            return Name(key, temporaryName, replace);
        }
        finally
        {
            _temporary.Remove(temporaryName);
        }
    }

    private PutOutcome Name(ObjectKey key, string temporaryName, bool replace)
    {
        var (folderPath, name) = ObjectFolders.Split(key.Value);
        for (var attempt = 1; attempt <= MaxFolderAttempts; attempt++)
        {
            SafeFileHandle folder;
            try
            {
                folder = _folders.MakeDurable(folderPath);
            }
            catch (FolderVanishedException)
            {
                continue;
            }

            var errno = replace
                ? Posix.Rename(_temporary.Folder, temporaryName, folder, name)
                : Posix.Link(_temporary.Folder, temporaryName, folder, name);
            if (errno == Errno.NotFound)
            {
                _folders.Forget(folderPath);
                continue;
            }

            if (errno == Errno.Exists && !replace)
            {
                RequireFile(folder, name, key);
            }
            else
            {
                Errno.Check(errno, "name", key.Value);
            }

            CrashPoint.Reach(CrashPointNames.FilePutNamed);

            // Also if the object existed: its creator may have died, or not come yet, to this same sync.
            Errno.Check(Posix.Sync(folder), "sync the folder of", key.Value);
            return errno == 0 ? PutOutcome.Created : PutOutcome.AlreadyExists;
        }

        throw new CheckpointerException(
            ErrorCode.StorageUnavailable,
            $"Could not put '{key}': its folder was removed {MaxFolderAttempts} times while it was being made.",
            isTransient: true);
    }

    /// <summary>Whether the object exists; if so it is durable on return, for the caller may rely on it as its own.</summary>
    private bool ExistsDurably(ObjectKey key)
    {
        var (folderPath, name) = ObjectFolders.Split(key.Value);
        using var found = _folders.TryOpen(folderPath);
        if (found is null || Posix.Stat(found, name, out _) != 0)
        {
            return false;
        }

        RequireFile(found, name, key);
        try
        {
            Errno.Check(Posix.Sync(_folders.MakeDurable(folderPath)), "sync the folder of", key.Value);
            return true;
        }
        catch (FolderVanishedException)
        {
            return false;
        }
    }

    private static void RequireFile(SafeFileHandle folder, string name, ObjectKey key)
    {
        if (Posix.Stat(folder, name, out var status) == 0 && !status.IsFile)
        {
            throw new CheckpointerException(
                ErrorCode.StorageFailed,
                $"'{key}' is taken by a {(status.IsFolder ? "folder" : "link or device")} and cannot be an object.");
        }
    }

    private void Read(ObjectKey key, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var (folderPath, name) = ObjectFolders.Split(key.Value);
        using var folder = _folders.TryOpen(folderPath) ?? throw Errno.ToException(Errno.NotFound, "read", key.Value);
        Errno.Check(Posix.Stat(folder, name, out var status), "read", key.Value);
        if (status.IsFolder)
        {
            throw Errno.ToException(Errno.NotFound, "read", key.Value);
        }

        RequireFile(folder, name, key);
        using var file = Posix.OpenAt(folder, name, Posix.ReadOnly, out var errno)
            ?? throw Errno.ToException(errno, "read", key.Value);
        FileReader.Fill(file, offset, destination.Span, key.Value, cancellationToken);
    }

    private ObjectInfo? Head(ObjectKey key)
    {
        var (folderPath, name) = ObjectFolders.Split(key.Value);
        using var folder = _folders.TryOpen(folderPath);
        if (folder is null)
        {
            return null;
        }

        var errno = Posix.Stat(folder, name, out var status);
        if (errno == Errno.NotFound)
        {
            return null;
        }

        Errno.Check(errno, "look up", key.Value);
        return status.IsFile ? new ObjectInfo(key, status.SizeBytes, status.Modified) : null;
    }

    private void Delete(ObjectKey key)
    {
        var (folderPath, name) = ObjectFolders.Split(key.Value);
        using var folder = _folders.TryOpen(folderPath);
        if (folder is null || (Posix.Stat(folder, name, out var status) == 0 && status.IsFolder))
        {
            return;
        }

        var errno = Posix.Unlink(folder, name);
        Errno.Check(errno == Errno.NotFound ? 0 : errno, "delete", key.Value);
        CrashPoint.Reach(CrashPointNames.FileDeleteRemoved);

        // Also if it was gone already: whoever removed it may have died before this same sync.
        Errno.Check(Posix.Sync(folder), "sync the folder of", key.Value);
        _folders.RemoveEmpty(folderPath);
    }
}
