using Checkpointer.Service.Stores;

namespace Checkpointer.Service.Runs;

/// <summary>A journal snapshot's state.</summary>
internal sealed record SavedService
{
    /// <summary>All runs.</summary>
    public required IReadOnlyList<SavedRun> Runs { get; init; }

    /// <summary>The repository that was last chosen; null if none was.</summary>
    public RepositoryChoice? Repository { get; init; }
}
