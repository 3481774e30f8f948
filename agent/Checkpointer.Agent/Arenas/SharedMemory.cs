using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Agent.Arenas;

/// <summary>The Linux calls for shared memory that .NET has no equal of. All return an errno, 0 for success.</summary>
internal static unsafe partial class SharedMemory
{
    public const int NoSpace = 28;
    public const int NotFound = 2;
    public const int WouldBlock = 11;

    private const int Interrupted = 4;
    private const int InvalidArgument = 22;
    private const int ReadWrite = 2;
    private const int Create = 0x40;
    private const int Exclusive = 0x80;
    private const int CloseOnExec = 0x80000;
    private const int ProtectReadWrite = 3;
    private const int MapShared = 1;
    private const int DontFork = 10;
    private const int PopulateWrite = 23;
    private const int LockExclusiveWithoutWaiting = 2 | 4;

    // Group access too: trainers may run as another user of the agent's group.
    private const uint FileMode = 0x1b0;

    private static readonly int NoFollow = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 ? 0x8000 : 0x20000;

    /// <summary>Creates a file that must not exist yet, or opens one that does; never through a symbolic link.</summary>
    public static int OpenFile(string path, bool create, out SafeFileHandle? handle)
    {
        handle = null;
        var flags = ReadWrite | CloseOnExec | NoFollow | (create ? Create | Exclusive : 0);
        var descriptor = Open(path, flags, FileMode);
        if (descriptor < 0)
        {
            return Marshal.GetLastPInvokeError();
        }

        handle = new SafeFileHandle(descriptor, ownsHandle: true);

        // The mask of the process may have taken the group's rights away.
        return create ? Errno(Fchmod(handle, FileMode)) : 0;
    }

    /// <summary>Gives a range of the file its memory now, lengthening it if need be, so that touching it later cannot fail.</summary>
    public static int Reserve(SafeFileHandle handle, long offset, long length)
    {
        int errno;
        do
        {
            errno = PosixFallocate(handle, offset, length);
        }
        while (errno == Interrupted);

        return errno;
    }

    /// <summary>Maps the whole file, for this process only (not for what it forks).</summary>
    public static int Map(SafeFileHandle handle, long length, out byte* address)
    {
        address = (byte*)Mmap(null, (nuint)length, ProtectReadWrite, MapShared, handle, 0);
        if (address == (byte*)-1)
        {
            address = null;
            return Marshal.GetLastPInvokeError();
        }

        _ = Madvise(address, (nuint)length, DontFork);
        return 0;
    }

    public static void Unmap(byte* address, long length) => _ = Munmap(address, (nuint)length);

    /// <summary>
    /// Makes the pages of a range present and writable without changing a byte. Kernels before 5.14 don't know the call:
    /// then each page is touched by an atomic "or" with zero, which changes nothing even while somebody else writes.
    /// </summary>
    public static void Populate(byte* address, long length)
    {
        // Any other failure (a file that was shortened meanwhile) is one that touching would turn into SIGBUS.
        if (Madvise(address, (nuint)length, PopulateWrite) == 0 || Marshal.GetLastPInvokeError() != InvalidArgument)
        {
            return;
        }

        for (long at = 0; at < length; at += Environment.SystemPageSize)
        {
            Interlocked.Or(ref *(int*)(address + at), 0);
        }
    }

    /// <summary>Locks a file for this process until the handle is closed; <see cref="WouldBlock"/> if another has it.</summary>
    public static int TryLock(SafeFileHandle handle) => Errno(Flock(handle, LockExclusiveWithoutWaiting));

    private static int Errno(int result) => result < 0 ? Marshal.GetLastPInvokeError() : 0;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "fchmod", SetLastError = true)]
    private static partial int Fchmod(SafeFileHandle handle, uint mode);

    [LibraryImport("libc", EntryPoint = "posix_fallocate")]
    private static partial int PosixFallocate(SafeFileHandle handle, long offset, long length);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial void* Mmap(void* address, nuint length, int protection, int flags, SafeFileHandle handle, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int Munmap(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    private static partial int Madvise(void* address, nuint length, int advice);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(SafeFileHandle handle, int operation);
}
