using System.Collections.Concurrent;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.CrashPoints;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Storage.FileSystem;

/// <summary>
/// Opens and makes the folders beneath a store's root, one segment at a time relative to the open parent and never
/// through a symbolic link: nothing under the root can lead outside it, however it is swapped meanwhile.
/// </summary>
internal sealed class ObjectFolders(SafeFileHandle root) : IDisposable
{
    private const int MaxKnownDurable = 128;

    /// <summary>
    /// Folders whose whole chain of names is durable, open. A removed folder never comes back to life: a link into it
    /// fails and the caller calls <see cref="Forget"/>, so an entry here is either durable or seen to be dead.
    /// </summary>
    private readonly ConcurrentDictionary<string, SafeFileHandle> _durable = new(StringComparer.Ordinal);

    /// <summary>The folder and last segment of a key (<c>""</c> for the root).</summary>
    public static (string Folder, string Name) Split(string key)
    {
        var slash = key.LastIndexOf('/');
        return slash < 0 ? ("", key) : (key[..slash], key[(slash + 1)..]);
    }

    /// <summary>Opens an existing folder; null if it does not exist. The caller disposes it.</summary>
    public SafeFileHandle? TryOpen(string folder)
    {
        var current = Posix.OpenAt(root, ".", Posix.DirectoryOnly, out var errno)
            ?? throw Errno.ToException(errno, "open the root for", folder);
        foreach (var segment in Segments(folder))
        {
            using var parent = current;
            var next = Posix.OpenAt(parent, segment, Posix.DirectoryOnly, out errno);
            if (next is null)
            {
                RefuseLink(parent, segment, folder);
                return errno is Errno.NotFound or Errno.NotDirectory
                    ? null
                    : throw Errno.ToException(errno, "open", folder);
            }

            current = next;
        }

        return current;
    }

    /// <summary>
    /// The folder, made if need be, with every name from the root down to it durable. Shared: the caller must not
    /// dispose it. A folder seen for the first time has its parent synced even if someone else made it, for that
    /// someone may not have come to its own sync yet.
    /// </summary>
    public SafeFileHandle MakeDurable(string folder)
    {
        if (_durable.TryGetValue(folder, out var known))
        {
            return known;
        }

        var current = root;
        var path = "";
        foreach (var segment in Segments(folder))
        {
            path = path.Length == 0 ? segment : $"{path}/{segment}";
            if (_durable.TryGetValue(path, out var durable))
            {
                current = durable;
                continue;
            }

            if (MakeOne(current, segment, path) is not { } next)
            {
                // The parent was removed under us by someone who found it empty: the caller starts again.
                Forget(folder);
                throw new FolderVanishedException();
            }

            current = _durable.GetOrAdd(path, next);
        }

        return current;
    }

    /// <summary>Drops what is known of <paramref name="folder"/> and everything above it.</summary>
    public void Forget(string folder)
    {
        // Never disposed here: another put may be about to use one. The finaliser closes it.
        for (var path = folder; path.Length > 0; path = Split(path).Folder)
        {
            _durable.TryRemove(path, out _);
        }
    }

    /// <summary>Removes <paramref name="folder"/> and those above it as far as they are empty.</summary>
    public void RemoveEmpty(string folder)
    {
        while (folder.Length > 0)
        {
            var (above, name) = Split(folder);
            using var parent = TryOpen(above);
            if (parent is null || Posix.RemoveFolder(parent, name) != 0)
            {
                // Not empty (the usual end) or not removable: an empty folder is not an object, so nothing is wrong.
                return;
            }

            CrashPoint.Reach(CrashPointNames.FileFolderRemoved);

            _durable.TryRemove(folder, out _);
            folder = above;
        }
    }

    public void Dispose()
    {
        foreach (var handle in _durable.Values)
        {
            handle.Dispose();
        }
    }

    private SafeFileHandle? MakeOne(SafeFileHandle parent, string segment, string path)
    {
        var errno = Posix.MakeFolder(parent, segment);
        if (errno is not (0 or Errno.Exists))
        {
            return errno == Errno.NotFound ? null : throw Errno.ToException(errno, "make the folder", path);
        }

        CrashPoint.Reach(CrashPointNames.FileFolderMade);

        var made = Posix.OpenAt(parent, segment, Posix.DirectoryOnly, out errno);
        if (made is null)
        {
            RefuseLink(parent, segment, path);
            return errno == Errno.NotFound ? null : throw Errno.ToException(errno, "open the folder", path);
        }

        Errno.Check(Posix.Sync(parent), "sync the folder above", path);
        if (_durable.Count >= MaxKnownDurable)
        {
            _durable.Clear();
        }

        return made;
    }

    private static void RefuseLink(SafeFileHandle parent, string segment, string path)
    {
        if (Posix.Stat(parent, segment, out var status) == 0 && status.IsLink)
        {
            throw new CheckpointerException(
                ErrorCode.StorageFailed,
                $"'{segment}' in '{path}' is a symbolic link; the store follows none beneath its root.");
        }
    }

    private static string[] Segments(string folder) => folder.Length == 0 ? [] : folder.Split('/');
}
