using System.Runtime.InteropServices;

namespace Checkpointer.TestKit;

/// <summary>A file system of its own in memory that is soon full; gone when disposed. Mounting needs root.</summary>
public sealed partial class SmallDisk : IDisposable
{
    private const int Detach = 2;
    private readonly TemporaryFolder _folder = new();

    private SmallDisk(string options)
    {
        var mounted = Mount("tmpfs", _folder.Path, "tmpfs", 0, options);
        var error = Marshal.GetLastPInvokeError();
        if (mounted != 0)
        {
            _folder.Dispose();
            throw new IOException($"mount: {Marshal.GetPInvokeErrorMessage(error)}");
        }
    }

    /// <summary>Where it is mounted.</summary>
    public string Path => _folder.Path;

    /// <summary>The bytes that still fit.</summary>
    public long FreeBytes => new DriveInfo(Path).AvailableFreeSpace;

    /// <summary>Mounts one, or gives null and the reason where that is not allowed here.</summary>
    /// <param name="sizeBytes">What fits.</param>
    /// <param name="maxFiles">How many files and folders fit, the root included; 0 is without end.</param>
    /// <param name="reason">Why there is none.</param>
    public static SmallDisk? TryMount(long sizeBytes, int maxFiles, out string reason)
    {
        try
        {
            reason = "";
            return new SmallDisk($"size={sizeBytes},nr_inodes={maxFiles}");
        }
        catch (IOException error)
        {
            reason = $"A small file system cannot be mounted here ({error.Message}); run as root.";
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Detached: what is still open keeps its bytes and no longer a name.
        if (Unmount(Path, Detach) == 0)
        {
            _folder.Dispose();
        }
    }

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Mount(string source, string target, string type, nuint flags, string data);

    [LibraryImport("libc", EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Unmount(string target, int flags);
}
