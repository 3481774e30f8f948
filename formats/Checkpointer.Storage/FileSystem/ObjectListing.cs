using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.FileSystem;

/// <summary>
/// The objects whose keys start with a prefix, in ordinal order of keys, one folder in memory at a time (and those
/// above it). A folder sorts as its name with <c>/</c> behind it, for so it stands in the keys: <c>a-b</c> comes
/// before <c>a/c</c>, which comes before <c>a0</c>.
/// </summary>
internal sealed class ObjectListing(ObjectFolders folders, string prefix)
{
    public IEnumerator<ObjectInfo> GetEnumerator()
    {
        var (folder, namePrefix) = ObjectFolders.Split(prefix);

        // No key starts with a prefix whose folders are no segments of a key.
        return !prefix.StartsWith('/') && (folder.Length == 0 || ObjectKey.IsValid(folder))
            ? Walk(folder, namePrefix).GetEnumerator()
            : Enumerable.Empty<ObjectInfo>().GetEnumerator();
    }

    private IEnumerable<ObjectInfo> Walk(string folder, string namePrefix)
    {
        foreach (var (name, status) in Entries(folder, namePrefix))
        {
            var path = folder.Length == 0 ? name : $"{folder}/{name}";
            if (status.IsFile)
            {
                if (ObjectKey.IsValid(path))
                {
                    yield return new ObjectInfo(new ObjectKey(path), status.SizeBytes, status.Modified);
                }
            }
            else
            {
                foreach (var below in Walk(path[..^1], ""))
                {
                    yield return below;
                }
            }
        }
    }

    /// <summary>Files, and folders with <c>/</c> behind their names. Links and foreign names are no objects.</summary>
    private List<(string Name, FileStatus Status)> Entries(string folder, string namePrefix)
    {
        var entries = new List<(string Name, FileStatus Status)>();
        using var handle = folders.TryOpen(folder);
        if (handle is null)
        {
            return entries;
        }

        try
        {
            foreach (var name in FolderEntries.Names(handle))
            {
                if (name.StartsWith(namePrefix, StringComparison.Ordinal)
                    && ObjectKey.IsValid(name)
                    && Posix.Stat(handle, name, out var status) == 0
                    && (status.IsFile || status.IsFolder))
                {
                    entries.Add((status.IsFolder ? name + "/" : name, status));
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointerException(
                ErrorCode.StorageFailed, $"Could not list '{folder}': {e.Message}", inner: e);
        }

        entries.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        return entries;
    }
}
