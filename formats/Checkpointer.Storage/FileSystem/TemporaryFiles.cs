using System.Globalization;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.CrashPoints;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Storage.FileSystem;

/// <summary>
/// The unfinished puts of one open store, in the root's folder <c>.tmp</c> (no key can start with a dot).
/// <para>
/// Names are <c>{owner}-{n}</c>; the owner holds an exclusive <c>flock</c> on <c>{owner}.lock</c> for as long as it
/// lives. The kernel drops that lock when the process dies, however it dies, so "the lock can be taken" is proof that
/// the owner is gone; a process id would not be, across containers that share the folder or after a reboot. Opening
/// sweeps what dead owners left. Opening is serialised by the lock on <c>open.lock</c>, so that no owner is swept
/// between creating its lock file and locking it.
/// </para>
/// </summary>
internal sealed class TemporaryFiles : IDisposable
{
    public const string FolderName = ".tmp";

    private const string OpenLockName = "open.lock";
    private const string LockSuffix = ".lock";
    private const int MaxOwners = 10_000;

    private readonly string _owner;
    private readonly SafeFileHandle _ownerLock;
    private long _lastNumber;

    private TemporaryFiles(SafeFileHandle folder, string owner, SafeFileHandle ownerLock)
    {
        Folder = folder;
        _owner = owner;
        _ownerLock = ownerLock;
    }

    /// <summary>The open folder in which the files lie.</summary>
    public SafeFileHandle Folder { get; }

    public static TemporaryFiles Open(SafeFileHandle root, string rootPath)
    {
        var errno = Posix.MakeFolder(root, FolderName);
        Errno.Check(errno == Errno.Exists ? 0 : errno, "create the temporary folder in", rootPath);
        var folder = Posix.OpenAt(root, FolderName, Posix.DirectoryOnly, out errno)
            ?? throw Errno.ToException(errno, "open the temporary folder in", rootPath);
        using var gate = Posix.OpenAt(folder, OpenLockName, Posix.ReadWrite | Posix.Create, out errno)
            ?? throw Errno.ToException(errno, "open the temporary folder's lock in", rootPath);
        Errno.Check(Posix.Lock(gate, Posix.LockExclusive), "lock the temporary folder in", rootPath);
        Sweep(folder);
        for (var number = 1; number <= MaxOwners; number++)
        {
            var owner = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}_{number}");
            var ownerLock = Posix.OpenAt(
                folder, owner + LockSuffix, Posix.ReadWrite | Posix.Create | Posix.Exclusive, out errno);
            if (ownerLock is null && errno == Errno.Exists)
            {
                continue;
            }

            Errno.Check(errno, "create a lock in the temporary folder of", rootPath);
            Errno.Check(
                Posix.Lock(ownerLock!, Posix.LockExclusive | Posix.LockWithoutWaiting),
                "take a lock in the temporary folder of",
                rootPath);
            return new TemporaryFiles(folder, owner, ownerLock!);
        }

        throw new CheckpointerException(
            ErrorCode.StorageFailed, $"More than {MaxOwners} open stores in the temporary folder of '{rootPath}'.");
    }

    /// <summary>Creates a new, empty file that only this caller knows.</summary>
    public SafeFileHandle Create(string forKey, out string name)
    {
        name = string.Create(CultureInfo.InvariantCulture, $"{_owner}-{Interlocked.Increment(ref _lastNumber)}");
        return Posix.OpenAt(Folder, name, Posix.ReadWrite | Posix.Create | Posix.Exclusive, out var errno)
            ?? throw (errno == Errno.NotFound
                ? new CheckpointerException(
                    ErrorCode.StorageFailed, $"Could not put '{forKey}': the store's temporary folder was removed.")
                : Errno.ToException(errno, "put", forKey));
    }

    /// <summary>Removes the file if it is still there. What cannot be removed now is swept after this process's end.</summary>
    public void Remove(string name) => _ = Posix.Unlink(Folder, name);

    public void Dispose()
    {
        // The name goes while the lock is held: whoever finds the name can trust the lock.
        Remove(_owner + LockSuffix);
        _ownerLock.Dispose();
        Folder.Dispose();
    }

    private static void Sweep(SafeFileHandle folder)
    {
        var names = FolderEntries.Names(folder);
        var live = new HashSet<string>(StringComparer.Ordinal);
        var deadLocks = new List<string>();
        foreach (var name in names)
        {
            if (name == OpenLockName || !name.EndsWith(LockSuffix, StringComparison.Ordinal))
            {
                continue;
            }

            using var candidate = Posix.OpenAt(folder, name, Posix.ReadWrite, out _);
            if (candidate is not null
                && Posix.Lock(candidate, Posix.LockExclusive | Posix.LockWithoutWaiting) == 0)
            {
                deadLocks.Add(name);
            }
            else
            {
                // Locked, or unknowable: not ours to touch.
                live.Add(name[..^LockSuffix.Length]);
            }
        }

        foreach (var name in names)
        {
            var dash = name.LastIndexOf('-');
            if (dash > 0 && !live.Contains(name[..dash]))
            {
                _ = Posix.Unlink(folder, name);
                CrashPoint.Reach(CrashPointNames.FileUnfinishedSwept);
            }
        }

        // Locks go last: a crash in the middle of a sweep leaves the rest recognisable.
        foreach (var name in deadLocks)
        {
            _ = Posix.Unlink(folder, name);
        }
    }
}
