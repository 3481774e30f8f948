using Checkpointer.Storage.CrashPoints;

namespace Checkpointer.Chaos.Strikes;

/// <summary>The crash points at which a phase is.</summary>
internal static class PhasePoints
{
    /// <summary>Reached by a rank that restores, whatever it restores from.</summary>
    private const string Restoring = "trainer.restoring";

    /// <summary>Those of all phases.</summary>
    public static IEnumerable<string> All => Enum.GetValues<Phase>().SelectMany(Of);

    /// <summary>The points of <paramref name="phase"/> that are reached again and again.</summary>
    public static IReadOnlyList<string> Of(Phase phase) => phase switch
    {
        Phase.Capture => ["trainer.capturing", "trainer.captured", CrashPointNames.SnapshotOpened],
        Phase.Seal => [CrashPointNames.SnapshotCaptured, CrashPointNames.SnapshotSealed],
        Phase.Replication => [CrashPointNames.ReplicaCopying, CrashPointNames.ReplicaHeld],
        Phase.Drain =>
        [
            CrashPointNames.DrainBegun, CrashPointNames.DrainPackPut, CrashPointNames.DrainPacksPut,
            CrashPointNames.DrainIndexPut, CrashPointNames.DrainReported,
        ],
        Phase.Commit =>
        [
            CrashPointNames.CommitShardsComplete, CrashPointNames.CommitChecked, CrashPointNames.CommitManifestPut,
            CrashPointNames.CommitJournaled,
        ],
        Phase.Plan => [CrashPointNames.PlanGranted],
        Phase.Restore => [CrashPointNames.RestoreBegun, CrashPointNames.RestoreBuilding, Restoring],
        Phase.Recovery => ["trainer.joining"],
        _ => throw new InvalidOperationException($"No such phase: {phase}."),
    };
}
