namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>Whether the memory budget fits the file system of the arenas, and that is one in memory.</summary>
internal sealed class SharedMemoryCheck : ICheck
{
    public async Task<IReadOnlyList<Finding>> RunAsync(Surroundings surroundings, CancellationToken cancellationToken)
    {
        var arena = surroundings.Options.Arena;
        var (budget, from) = await Budgets.FindAsync(surroundings, cancellationToken).ConfigureAwait(false);
        var mount = Mounts.Of(arena);
        var (size, free) = (mount.TotalSize, mount.AvailableFreeSpace);
        var kept = ArenaContents.Read(arena).Sum(run => run.Bytes);
        var facts = $"{mount.Name} ({mount.DriveFormat}): {ByteSize.Show(size)}, {ByteSize.Show(free)} free";
        var wanted = $"the budget is {ByteSize.Show(budget)} ({from})";
        if (budget > size)
        {
            return [Finding.Failed(
                $"{facts}; {wanted}, more than fits",
                $"Make it larger (mount -o remount,size=… {mount.Name}; in Kubernetes an emptyDir of medium Memory), or lower --memory-budget.")];
        }

        if (mount.DriveFormat is not ("tmpfs" or "hugetlbfs" or "ramfs"))
        {
            return [Finding.Warning($"{facts}; that is no memory: snapshots would be written to a disk", "Give --arena a folder below /dev/shm.")];
        }

        return budget > free + kept
            ? [Finding.Warning($"{facts}; {wanted}, and others hold the rest", $"See what else is in {mount.Name}, and delete it; or lower --memory-budget.")]
            : [Finding.Ok($"{facts}; {wanted}")];
    }
}
