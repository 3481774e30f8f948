namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>Whether the memory budget fits what this process's control group may take, or else the machine has.</summary>
internal sealed class MemoryLimitCheck : ICheck
{
    private const double WarnShare = 0.9;

    public async Task<IReadOnlyList<Finding>> RunAsync(Surroundings surroundings, CancellationToken cancellationToken)
    {
        var (budget, from) = await Budgets.FindAsync(surroundings, cancellationToken).ConfigureAwait(false);
        return [Judge(budget, from, CgroupMemory.Limit("/"), GC.GetGCMemoryInfo().TotalAvailableMemoryBytes)];
    }

    /// <summary>Pages of shared memory count for the group whose process touched them first: the agent's.</summary>
    internal static Finding Judge(long budget, string from, (long Bytes, string File)? group, long machineBytes)
    {
        var limit = group?.Bytes ?? machineBytes;
        var facts = group is { } found
            ? $"the control group may take {ByteSize.Show(found.Bytes)} ({found.File})"
            : $"no control group limits memory; the machine has {ByteSize.Show(machineBytes)}";
        var wanted = $"the budget is {ByteSize.Show(budget)} ({from})";
        return budget > limit
            ? Finding.Failed($"{facts}; {wanted}: a full arena gets the agent killed", "Raise the limit, or lower --memory-budget.")
            : budget > WarnShare * limit
                ? Finding.Warning($"{facts}; {wanted}: that leaves the processes little", "Raise the limit, or lower --memory-budget.")
                : Finding.Ok($"{facts}; {wanted}");
    }
}
