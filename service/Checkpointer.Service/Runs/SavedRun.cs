using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Checkpoints;
using Checkpointer.Service.Runs.Joining;
using Checkpointer.Service.Runs.Lineage;
using Checkpointer.Service.Runs.Snapshots;

namespace Checkpointer.Service.Runs;

/// <summary>A run's state as data: one element of a journal snapshot.</summary>
internal sealed record SavedRun
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>When its first rank joined.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <inheritdoc cref="JoinBarrier.Pending"/>
    public PendingIncarnation? Pending { get; init; }

    /// <inheritdoc cref="JoinBarrier.Past"/>
    public required IReadOnlyList<string> PastIncarnations { get; init; }

    /// <inheritdoc cref="AttemptHistory.All"/>
    public required IReadOnlyList<AttemptRecord> Attempts { get; init; }

    /// <inheritdoc cref="AttemptHistory.Plan"/>
    public RecoveryPlan? Plan { get; init; }

    /// <inheritdoc cref="AttemptHistory.Restoring"/>
    public RestoreStanding? Restoring { get; init; }

    /// <inheritdoc cref="SnapshotBook.GloballySealed"/>
    public CheckpointId? GloballySealed { get; init; }

    /// <inheritdoc cref="SnapshotBook.GivenUp"/>
    public required IReadOnlyList<CheckpointId> GivenUp { get; init; }

    /// <inheritdoc cref="SnapshotBook.NewestForgotten"/>
    public CheckpointId? NewestForgotten { get; init; }

    /// <inheritdoc cref="SnapshotBook.Records"/>
    public required IReadOnlyList<SnapshotRecord> Snapshots { get; init; }

    /// <inheritdoc cref="CheckpointBook.CommittedCount"/>
    public required int CommittedCount { get; init; }

    /// <inheritdoc cref="CheckpointBook.Condemned"/>
    public Condemnation? Condemned { get; init; }

    /// <inheritdoc cref="CheckpointBook.Forgotten"/>
    public IReadOnlyList<CheckpointId>? ForgottenCheckpoints { get; init; }

    /// <summary>What was written in place of <see cref="ForgottenCheckpoints"/> before it knew more than one; only read.</summary>
    public CheckpointId? NewestForgottenCheckpoint { get; init; }

    /// <inheritdoc cref="CheckpointBook.Records"/>
    public required IReadOnlyList<CheckpointRecord> Checkpoints { get; init; }

    /// <inheritdoc cref="Ledger.StepLedger.Forgotten"/>
    public required long ForgottenLedgerEntries { get; init; }

    /// <inheritdoc cref="Ledger.StepLedger.Entries"/>
    public required IReadOnlyList<LedgerEntry> Ledger { get; init; }

    /// <inheritdoc cref="Ledger.StepLedger.Disputed"/>
    public required IReadOnlyList<long> DisputedSteps { get; init; }

    /// <inheritdoc cref="Runs.Incidents.IncidentLog.Total"/>
    public required long IncidentCount { get; init; }

    /// <inheritdoc cref="Runs.Incidents.IncidentLog.Kept"/>
    public required IReadOnlyList<Incident> Incidents { get; init; }

    /// <inheritdoc cref="Runs.Rollbacks.RollbackBook.Total"/>
    public long RollbackCount { get; init; }

    /// <inheritdoc cref="Runs.Rollbacks.RollbackBook.Kept"/>
    public IReadOnlyList<Rollback>? Rollbacks { get; init; }
}
