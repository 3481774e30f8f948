namespace Checkpointer.Cli.Doctor;

/// <summary>What lies in the folder of arenas: <c>{node}/{run}/{rank}-{slot}.arena</c>.</summary>
internal static class ArenaContents
{
    /// <summary>Runs with arenas, by node and name.</summary>
    public static IReadOnlyList<(string Node, string Run, int Arenas, long Bytes)> Read(string root)
    {
        if (!Directory.Exists(root))
        {
            return [];
        }

        return
        [
            .. new DirectoryInfo(root).EnumerateFiles("*.arena", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 2 })
                .Where(file => file.Directory?.Parent?.Parent is not null)
                .GroupBy(file => (Node: file.Directory!.Parent!.Name, Run: file.Directory.Name))
                .Select(run => (run.Key.Node, run.Key.Run, run.Count(), run.Sum(file => file.Length)))
                .OrderBy(run => run.Node, StringComparer.Ordinal).ThenBy(run => run.Run, StringComparer.Ordinal),
        ];
    }
}
