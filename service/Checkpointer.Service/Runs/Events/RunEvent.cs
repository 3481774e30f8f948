using System.Text.Json.Serialization;
using Checkpointer.Contracts.Runs;

namespace Checkpointer.Service.Runs.Events;

/// <summary>
/// One thing that happened to a run, as it is journaled: JSON with the kind as <c>type</c>. Kinds and members are only
/// ever added, and added members are optional, so that every journal ever written still replays; a kind or member that
/// this program doesn't know is <c>journal_corrupt</c>, never skipped.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type", UnknownDerivedTypeHandling = JsonUnknownDerivedTypeHandling.FailSerialization)]
[JsonDerivedType(typeof(RankJoined), "rank_joined")]
[JsonDerivedType(typeof(AttemptGranted), "attempt_granted")]
[JsonDerivedType(typeof(StepRecorded), "step_recorded")]
[JsonDerivedType(typeof(StepDisputed), "step_disputed")]
[JsonDerivedType(typeof(SnapshotSealed), "snapshot_sealed")]
[JsonDerivedType(typeof(SnapshotGivenUp), "snapshot_given_up")]
[JsonDerivedType(typeof(ShardStored), "shard_stored")]
[JsonDerivedType(typeof(CheckpointCommitted), "checkpoint_committed")]
[JsonDerivedType(typeof(CheckpointAbandoned), "checkpoint_abandoned")]
[JsonDerivedType(typeof(RestoreRecorded), "restore_recorded")]
[JsonDerivedType(typeof(AttemptReplanned), "attempt_replanned")]
[JsonDerivedType(typeof(RestoreGivenUp), "restore_given_up")]
[JsonDerivedType(typeof(CheckpointVerified), "checkpoint_verified")]
[JsonDerivedType(typeof(StoreMismatched), "store_mismatched")]
[JsonDerivedType(typeof(FailureDetected), "failure_detected")]
[JsonDerivedType(typeof(RolledBack), "rolled_back")]
[JsonDerivedType(typeof(FencedSavesCondemned), "fenced_saves_condemned")]
internal abstract record RunEvent
{
    /// <summary>When the service decided it, UTC.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The incidents that it raises, numbered; null if none.</summary>
    public IReadOnlyList<Incident>? Incidents { get; init; }
}
