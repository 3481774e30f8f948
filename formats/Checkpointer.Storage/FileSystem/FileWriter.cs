using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Storage.FileSystem;

/// <summary>
/// Writes an object's segments into a file straight from where they lie, a slice at a time, asking the kernel after
/// each slice to start writing it to disk: by the time the last slice is in, most of the file is on disk and the final
/// sync is short.
/// </summary>
internal static class FileWriter
{
    /// <summary>Large enough that a system call costs nothing beside it, small enough that the disk starts early.</summary>
    internal const int SliceBytes = 8 << 20;

    /// <summary>Most segments in one <c>pwritev</c> (IOV_MAX of Linux).</summary>
    internal const int MaxSegments = 1024;

    public static void Write(SafeFileHandle file, ObjectContent content, string key, CancellationToken cancellationToken)
    {
        var slice = new List<ReadOnlyMemory<byte>>(Math.Min(content.Segments.Count, MaxSegments));
        long offset = 0;
        var sliceBytes = 0;
        foreach (var segment in content.Segments)
        {
            var rest = segment;
            while (!rest.IsEmpty)
            {
                var part = rest[..Math.Min(rest.Length, SliceBytes - sliceBytes)];
                slice.Add(part);
                sliceBytes += part.Length;
                rest = rest[part.Length..];
                if (sliceBytes == SliceBytes || slice.Count == MaxSegments)
                {
                    Flush();
                }
            }
        }

        if (sliceBytes > 0)
        {
            Flush();
        }

        void Flush()
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                // Goes on after partial writes by itself; an IOException's HResult is the errno.
                RandomAccess.Write(file, slice, offset);
            }
            catch (IOException e)
            {
                throw Errno.ToException(e.HResult, "write", key, e);
            }

            if (sliceBytes == SliceBytes)
            {
                Posix.StartWriteback(file, offset, sliceBytes);
            }

            offset += sliceBytes;
            sliceBytes = 0;
            slice.Clear();
        }
    }
}
