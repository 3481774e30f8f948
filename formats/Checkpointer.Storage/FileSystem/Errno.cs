using System.ComponentModel;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.FileSystem;

/// <summary>Error numbers of Linux (equal on x64 and arm64) and what each means for an object.</summary>
internal static class Errno
{
    public const int NotFound = 2;
    public const int Interrupted = 4;
    public const int WouldBlock = 11;
    public const int Exists = 17;
    public const int NotDirectory = 20;
    public const int TooManyFilesInSystem = 23;
    public const int TooManyFiles = 24;
    public const int NoSpace = 28;
    public const int StaleHandle = 116;
    public const int QuotaExceeded = 122;

    /// <summary>Throws what <paramref name="errno"/> means, unless it is 0.</summary>
    public static void Check(int errno, string action, string what)
    {
        if (errno != 0)
        {
            throw ToException(errno, action, what);
        }
    }

    /// <summary>
    /// The exception for <paramref name="errno"/>. A full disk is not transient: only a person or retention ends it.
    /// Running out of descriptors, or a network file system's stale handle, passes by itself.
    /// </summary>
    public static CheckpointerException ToException(int errno, string action, string what, Exception? inner = null)
    {
        inner ??= new Win32Exception(errno);
        return errno switch
        {
            NotFound => new CheckpointerException(ErrorCode.NotFound, $"No object '{what}'.", inner: inner),
            NoSpace or QuotaExceeded => new CheckpointerException(
                ErrorCode.StorageFull,
                $"Could not {action} '{what}': the file system has no room left. Free space or raise the quota.",
                inner: inner),
            TooManyFiles or TooManyFilesInSystem or StaleHandle => new CheckpointerException(
                ErrorCode.StorageUnavailable, $"Could not {action} '{what}': {inner.Message}.", isTransient: true, inner),
            _ => new CheckpointerException(
                ErrorCode.StorageFailed, $"Could not {action} '{what}': {inner.Message} (errno {errno}).", inner: inner),
        };
    }
}
