using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Storage.FileSystem;

/// <summary>
/// The Linux calls that .NET has no equal of: those relative to an open folder (so that no path is resolved twice and
/// no symbolic link is followed between check and use), <c>link</c>, and <c>fsync</c> of folders with its true error.
/// </summary>
internal static partial class Posix
{
    public const int ReadOnly = 0;
    public const int ReadWrite = 2;
    public const int Create = 0x40;
    public const int Exclusive = 0x80;
    public const int CloseOnExec = 0x80000;
    public const int RemoveFolderFlag = 0x200;
    public const int LockExclusive = 2;
    public const int LockWithoutWaiting = 4;

    private const int SymlinkNoFollow = 0x100;
    private const int EmptyPath = 0x1000;
    private const int CurrentFolder = -100;
    private const uint StatxBasic = 0x7ff;
    private const uint WritebackStart = 2;

    // The two open flags whose values differ between architectures (asm/fcntl.h).
    public static readonly int DirectoryOnly = IsArm ? 0x4000 : 0x10000;
    public static readonly int NoFollow = IsArm ? 0x8000 : 0x20000;

    private static bool IsArm => RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm;

    /// <summary>Opens <paramref name="path"/> as a folder, following links: only for a store's root.</summary>
    public static SafeFileHandle? OpenFolder(string path, out int errno) =>
        Wrap(Open(path, DirectoryOnly | CloseOnExec, 0), out errno);

    /// <summary>Opens <paramref name="name"/> in <paramref name="folder"/>, never through a symbolic link.</summary>
    public static SafeFileHandle? OpenAt(SafeFileHandle folder, string name, int flags, out int errno) =>
        Wrap(OpenAt(folder, name, flags | NoFollow | CloseOnExec, 0x1a4), out errno);

    public static int MakeFolder(SafeFileHandle folder, string name) => Errno(MkdirAt(folder, name, 0x1ed));

    public static int Link(SafeFileHandle fromFolder, string from, SafeFileHandle toFolder, string to) =>
        Errno(LinkAt(fromFolder, from, toFolder, to, 0));

    public static int Rename(SafeFileHandle fromFolder, string from, SafeFileHandle toFolder, string to) =>
        Errno(RenameAt(fromFolder, from, toFolder, to));

    public static int Unlink(SafeFileHandle folder, string name) => Errno(UnlinkAt(folder, name, 0));

    public static int RemoveFolder(SafeFileHandle folder, string name) => Errno(UnlinkAt(folder, name, RemoveFolderFlag));

    public static int Sync(SafeFileHandle handle) => Errno(Fsync(handle));

    public static int Lock(SafeFileHandle handle, int operation)
    {
        int errno;
        do
        {
            errno = Errno(Flock(handle, operation));
        }
        while (errno == FileSystem.Errno.Interrupted);

        return errno;
    }

    /// <summary>Asks the kernel to start writing a range back now, without waiting. Only a hint: its outcome says nothing of durability.</summary>
    public static void StartWriteback(SafeFileHandle handle, long offset, long length) =>
        _ = SyncFileRange(handle, offset, length, WritebackStart);

    /// <summary>Facts of <paramref name="name"/> in <paramref name="folder"/> (of a link, not of what it points to).</summary>
    public static int Stat(SafeFileHandle folder, string name, out FileStatus status) =>
        Errno(Statx(folder, name, SymlinkNoFollow, StatxBasic, out status));

    /// <summary>Facts of what is open.</summary>
    public static int Stat(SafeFileHandle handle, out FileStatus status) =>
        Errno(Statx(handle, "", EmptyPath, StatxBasic, out status));

    /// <summary>Facts of what <paramref name="path"/> leads to, following links: only for a store's root.</summary>
    public static int StatPath(string path, out FileStatus status) =>
        Errno(Statx(CurrentFolder, path, 0, StatxBasic, out status));

    private static int Errno(int result) => result < 0 ? Marshal.GetLastPInvokeError() : 0;

    private static SafeFileHandle? Wrap(int descriptor, out int errno)
    {
        errno = Errno(descriptor);
        return errno == 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : null;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenAt(SafeFileHandle folder, string name, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MkdirAt(SafeFileHandle folder, string name, uint mode);

    [LibraryImport("libc", EntryPoint = "linkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int LinkAt(SafeFileHandle fromFolder, string from, SafeFileHandle toFolder, string to, int flags);

    [LibraryImport("libc", EntryPoint = "renameat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameAt(SafeFileHandle fromFolder, string from, SafeFileHandle toFolder, string to);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int UnlinkAt(SafeFileHandle folder, string name, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(SafeFileHandle handle);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(SafeFileHandle handle, int operation);

    [LibraryImport("libc", EntryPoint = "sync_file_range", SetLastError = true)]
    private static partial int SyncFileRange(SafeFileHandle handle, long offset, long length, uint flags);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(SafeFileHandle folder, string name, int flags, uint mask, out FileStatus status);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int folder, string name, int flags, uint mask, out FileStatus status);
}
