using Checkpointer.Storage.CrashPoints;
using Checkpointer.Storage.FileSystem;

namespace Checkpointer.Service.Journal;

/// <summary>Files that are whole under their name or not there at all, also after a loss of power.</summary>
internal static class DurableFile
{
    /// <summary>The ending of a file that is not finished; whatever has it may be deleted.</summary>
    public const string UnfinishedSuffix = ".unfinished";

    /// <summary>Creates or replaces <paramref name="path"/> with <paramref name="segments"/>, durably.</summary>
    public static void Write(string path, params ReadOnlySpan<ReadOnlyMemory<byte>> segments)
    {
        var unfinished = path + UnfinishedSuffix;
        using (var file = File.OpenHandle(unfinished, FileMode.Create, FileAccess.Write))
        {
            long offset = 0;
            foreach (var segment in segments)
            {
                RandomAccess.Write(file, segment.Span, offset);
                offset += segment.Length;
            }

            CrashPoint.Reach(CrashPointNames.DataFileWritten);
            RandomAccess.FlushToDisk(file);
        }

        CrashPoint.Reach(CrashPointNames.DataFileSynced);
        File.Move(unfinished, path, overwrite: true);
        CrashPoint.Reach(CrashPointNames.DataFileNamed);
        SyncFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>Makes what was created, renamed or deleted in <paramref name="folder"/> durable.</summary>
    public static void SyncFolder(string folder)
    {
        using var handle = Posix.OpenFolder(folder, out var errno);
        if (handle is not null)
        {
            errno = Posix.Sync(handle);
        }

        if (errno != 0)
        {
            throw new IOException($"The folder '{folder}' could not be synced (errno {errno}).");
        }
    }
}
