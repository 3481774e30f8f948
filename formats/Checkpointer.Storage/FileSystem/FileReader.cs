using Checkpointer.Formats.Errors;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Storage.FileSystem;

/// <summary>Fills the caller's memory from a file, all of it or an error.</summary>
internal static class FileReader
{
    /// <summary>How much is read between two looks at the cancellation token.</summary>
    private const int SliceBytes = 8 << 20;

    public static void Fill(
        SafeFileHandle file, long offset, Span<byte> destination, string key, CancellationToken cancellationToken)
    {
        var filled = 0;
        while (filled < destination.Length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int read;
            try
            {
                read = RandomAccess.Read(
                    file, destination.Slice(filled, Math.Min(SliceBytes, destination.Length - filled)), offset + filled);
            }
            catch (IOException e)
            {
                throw Errno.ToException(e.HResult, "read", key, e);
            }

            if (read == 0)
            {
                throw new CheckpointerException(
                    ErrorCode.StorageFailed,
                    $"'{key}' ends at byte {offset + filled}, but bytes up to {offset + destination.Length} were wanted.");
            }

            filled += read;
        }
    }
}
