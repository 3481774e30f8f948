namespace Checkpointer.Cli.Doctor;

/// <summary>The memory that snapshots may take: as given, else the running agent's, else what an agent would take by itself.</summary>
internal static class Budgets
{
    private const double DefaultShare = 0.8;

    /// <summary>The bytes, and where the number is from.</summary>
    public static async Task<(long Bytes, string From)> FindAsync(Surroundings surroundings, CancellationToken cancellationToken)
    {
        if (surroundings.Options.MemoryBudgetBytes is { } given)
        {
            return (given, "as given");
        }

        var (status, _) = await surroundings.Agent.WaitAsync(cancellationToken).ConfigureAwait(false);
        return status is not null
            ? (status.MemoryBudgetBytes, "the agent's")
            : ((long)(DefaultShare * Mounts.Of(surroundings.Options.Arena).TotalSize), "an agent's default");
    }
}
