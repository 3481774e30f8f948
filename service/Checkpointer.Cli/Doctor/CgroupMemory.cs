using System.Globalization;

namespace Checkpointer.Cli.Doctor;

/// <summary>The least memory limit of this process's control groups, version 1 or 2.</summary>
internal static class CgroupMemory
{
    // Version 1 says "no limit" with a number near 2^63.
    private const long Unlimited = 1L << 60;

    /// <summary>The limit and its file; null if there is none. <paramref name="root"/> is <c>/</c> but in tests.</summary>
    public static (long Bytes, string File)? Limit(string root)
    {
        var groups = Path.Combine(root, "proc/self/cgroup");
        return !File.Exists(groups)
            ? null
            : File.ReadAllLines(groups).Select(line => line.Split(':', 3)).Where(parts => parts.Length == 3)
                .SelectMany(parts => Files(root, parts[1], parts[2]))
                .Select(file => (Bytes: Read(file), File: file))
                .Where(limit => limit.Bytes is < Unlimited)
                .OrderBy(limit => limit.Bytes)
                .Select(limit => ((long, string)?)(limit.Bytes!.Value, limit.File))
                .FirstOrDefault();
    }

    // A group's parents limit it, too. Within a container the path may be the host's, and only the top is there.
    private static IEnumerable<string> Files(string root, string controllers, string group)
    {
        var (top, name) = controllers.Length == 0
            ? ("sys/fs/cgroup", "memory.max")
            : controllers.Split(',').Contains("memory") ? ("sys/fs/cgroup/memory", "memory.limit_in_bytes") : ("", "");
        if (top.Length == 0)
        {
            yield break;
        }

        for (var path = group.Trim('/'); ; path = Path.GetDirectoryName(path) ?? "")
        {
            yield return Path.Combine(root, top, path, name);
            if (path.Length == 0)
            {
                yield break;
            }
        }
    }

    private static long? Read(string file) =>
        File.Exists(file) && long.TryParse(File.ReadAllText(file).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
            ? bytes
            : null;
}
