using Checkpointer.Cli.Configuration;

namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>Whether the arenas' file system is memory, and has room for what the agent may take.</summary>
internal sealed class SharedMemoryCheck(DoctorSubject subject) : IDoctorCheck
{
    // A folder of another user's is passed over.
    private static readonly EnumerationOptions Everywhere = new() { RecurseSubdirectories = true, IgnoreInaccessible = true };

    public string Area => "memory";

    public Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellationToken)
    {
        var drive = NodeSettings.DriveOf(subject.Arena);
        var arenas = Directory.Exists(subject.Arena)
            ? new DirectoryInfo(subject.Arena).EnumerateFiles("*.arena", Everywhere).ToList()
            : [];
        var taken = arenas.Sum(file => file.Length);
        var budget = subject.MemoryBudgetBytes;
        List<Finding> found =
        [
            drive.DriveFormat is "tmpfs" or "ramfs" or "hugetlbfs"
                ? Finding.Ok(Area, "shared memory", $"'{drive.Name}' is {drive.DriveFormat} of {ByteSize.Show(drive.TotalSize)}")
                : Finding.Failed(
                    Area, "shared memory", $"'{subject.Arena}' is on {drive.DriveFormat}, not in memory: every save would go to a disk",
                    "Name a folder under /dev/shm with --arena."),
            budget <= drive.TotalSize
                ? Finding.Ok(Area, "budget", $"{ByteSize.Show(budget)} of {ByteSize.Show(drive.TotalSize)}")
                : Finding.Failed(
                    Area, "budget", $"{ByteSize.Show(budget)}, but '{drive.Name}' has only {ByteSize.Show(drive.TotalSize)}",
                    $"Enlarge it (mount -o remount,size=… '{drive.Name}'; in Kubernetes mount an emptyDir with medium Memory there), or lower --memory-budget."),
            budget - taken <= drive.AvailableFreeSpace
                ? Finding.Ok(Area, "room", $"{ByteSize.Show(drive.AvailableFreeSpace)} free")
                : Finding.Warning(
                    Area, "room", $"{ByteSize.Show(drive.AvailableFreeSpace)} free, less than the {ByteSize.Show(budget - taken)} that arenas may still take",
                    $"See what else lies in '{drive.Name}' (du -sh '{drive.Name}'/*); saves that find no room are refused, and training goes on."),
        ];
        if (arenas.Count > 0)
        {
            var runs = arenas.Select(file => file.Directory!.Name).Distinct().Order(StringComparer.Ordinal).ToList();
            found.Add(Finding.Ok(
                Area, "arenas", $"{ByteSize.Show(taken)} in {arenas.Count} arenas of {string.Join(", ", runs.Take(5))}{(runs.Count > 5 ? ", …" : "")}"));
        }

        return Task.FromResult<IReadOnlyList<Finding>>(found);
    }
}
