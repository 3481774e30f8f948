using System.Globalization;
using System.IO.Enumeration;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Storage.FileSystem;

/// <summary>The names in an open folder, read through its descriptor so that a swapped path cannot redirect the listing.</summary>
internal static class FolderEntries
{
    private static readonly EnumerationOptions Everything = new()
    {
        AttributesToSkip = 0,
        IgnoreInaccessible = false,
        RecurseSubdirectories = false,
    };

    public static List<string> Names(SafeFileHandle folder)
    {
        var added = false;
        try
        {
            folder.DangerousAddRef(ref added);
            var path = string.Create(
                CultureInfo.InvariantCulture, $"/proc/self/fd/{folder.DangerousGetHandle().ToInt64()}/");
            return [.. new FileSystemEnumerable<string>(
                path, static (ref FileSystemEntry entry) => entry.FileName.ToString(), Everything)];
        }
        finally
        {
            if (added)
            {
                folder.DangerousRelease();
            }
        }
    }
}
