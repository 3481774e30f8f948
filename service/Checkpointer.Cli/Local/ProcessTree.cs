using System.Globalization;
using System.Runtime.InteropServices;

namespace Checkpointer.Cli.Local;

/// <summary>A process and all its descendants, as Linux's <c>/proc</c> shows them.</summary>
internal static partial class ProcessTree
{
    private const int SigKill = 9;
    private const int SigStop = 19;

    /// <summary>
    /// Kills the tree below <paramref name="rootPid"/> with SIGKILL, as if the node's power failed: every process is
    /// stopped before it is looked into, so that none can start another meanwhile. Returns how many were killed.
    /// </summary>
    public static int Kill(int rootPid)
    {
        var stopped = new List<int>();
        var found = new Queue<int>([rootPid]);
        while (found.TryDequeue(out var pid))
        {
            _ = SendSignal(pid, SigStop);
            stopped.Add(pid);
            foreach (var child in ChildrenOf(pid))
            {
                found.Enqueue(child);
            }
        }

        foreach (var pid in stopped)
        {
            _ = SendSignal(pid, SigKill);
        }

        return stopped.Count;
    }

    /// <summary>Kills one process with SIGKILL.</summary>
    public static void KillOne(int pid) => _ = SendSignal(pid, SigKill);

    /// <summary>Every process that descends from <paramref name="rootPid"/>, without it.</summary>
    public static IReadOnlyList<int> DescendantsOf(int rootPid)
    {
        var result = new List<int>();
        var found = new Queue<int>(ChildrenOf(rootPid));
        while (found.TryDequeue(out var pid))
        {
            result.Add(pid);
            foreach (var child in ChildrenOf(pid))
            {
                found.Enqueue(child);
            }
        }

        return result;
    }

    /// <summary>The value of an environment variable of another process; null if it has none or is gone.</summary>
    public static string? EnvironmentOf(int pid, string name)
    {
        var prefix = name + "=";
        return ReadOrNull($"/proc/{pid}/environ")?.Split('\0')
            .FirstOrDefault(entry => entry.StartsWith(prefix, StringComparison.Ordinal))?[prefix.Length..];
    }

    private static IEnumerable<int> ChildrenOf(int pid)
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var candidate)
                && ParentOf(candidate) == pid)
            {
                yield return candidate;
            }
        }
    }

    // "pid (name) state ppid …": the name may hold spaces and parentheses, so count from the last ')'.
    private static int? ParentOf(int pid)
    {
        var stat = ReadOrNull($"/proc/{pid}/stat");
        if (stat is null)
        {
            return null;
        }

        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return int.Parse(fields[1], CultureInfo.InvariantCulture);
    }

    private static string? ReadOrNull(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return null; // the process ended between two looks
        }
        catch (UnauthorizedAccessException)
        {
            return null; // another user's process
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int pid, int signal);
}
