using Checkpointer.Contracts.Agents;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Arenas;

/// <summary>
/// Which snapshots need not be kept. That no drain, restore or other reader uses the slot is the pool's own condition.
/// Together they make invariant 6: every rank holds the newest globally sealed step, until its node dies; and what is
/// protected stays on two nodes.
/// </summary>
internal static class ReleaseRule
{
    /// <summary>
    /// Whether the snapshot can go: a newer step is globally sealed, or it was given up, or it is of a fenced-out attempt
    /// and not what the present one resumed from. Never the newest globally sealed one itself, nor the newest protected one,
    /// which is what the loss of a node leaves to resume from. With no word from the service nothing can.
    /// </summary>
    public static bool Permits(CheckpointId snapshot, RunProgress? progress, bool givenUp)
    {
        if (progress is null)
        {
            return givenUp;
        }

        if (progress.GloballySealed == snapshot || progress.Protected == snapshot)
        {
            return false;
        }

        return givenUp
            || (progress.GloballySealed is { } newest && newest.Step > snapshot.Step)
            || IsStale(snapshot, progress);
    }

    /// <summary>Whether the snapshot is of a fenced-out attempt and not what the present one resumed from.</summary>
    public static bool IsStale(CheckpointId snapshot, RunProgress progress) =>
        snapshot.Attempt < progress.Attempt && progress.ResumedFrom != snapshot
        && progress.GloballySealed != snapshot && progress.Protected != snapshot;
}
