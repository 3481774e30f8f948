using Checkpointer.Contracts.Runs;

namespace Checkpointer.Cli.Demo;

/// <summary>The tiers that a set of restores read from, in one word.</summary>
internal static class DemoTier
{
    /// <summary><c>memory</c> (this node's or a peer's), <c>storage</c>, <c>mixed</c>, or <c>none</c> if nothing was restored.</summary>
    public static string Describe(IReadOnlyCollection<RestoreReport> restores)
    {
        var memory = restores.Any(restore => restore.LocalMemoryBytes + restore.PeerMemoryBytes > 0);
        var storage = restores.Any(restore => restore.StorageBytes > 0);
        return (memory, storage) switch
        {
            (true, true) => "mixed",
            (true, false) => "memory",
            (false, true) => "storage",
            _ => "none",
        };
    }
}
