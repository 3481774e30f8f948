using System.Text.Json;
using System.Text.Json.Serialization;
using Checkpointer.Contracts.Advice;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Images;
using Checkpointer.Contracts.Problems;
using Checkpointer.Contracts.Replicas;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Stores;
using Checkpointer.Contracts.Trainers;

namespace Checkpointer.Contracts;

/// <summary>
/// Source-generated JSON of every contract: snake_case names and enum values, nulls left out, unknown members refused
/// nowhere (so that old and new versions talk), NaN and infinities as strings.
/// </summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    Converters = [typeof(SnakeCaseEnumConverter)])]
[JsonSerializable(typeof(IntervalAdvice))]
[JsonSerializable(typeof(AgentPresence))]
[JsonSerializable(typeof(HeartbeatResult))]
[JsonSerializable(typeof(RunProgress))]
[JsonSerializable(typeof(Page<AgentSummary>))]
[JsonSerializable(typeof(StoreStatus))]
[JsonSerializable(typeof(Readiness))]
[JsonSerializable(typeof(JoinRun))]
[JsonSerializable(typeof(JoinResult))]
[JsonSerializable(typeof(ReportSteps))]
[JsonSerializable(typeof(ReportStepsResult))]
[JsonSerializable(typeof(SnapshotReport))]
[JsonSerializable(typeof(ShardReport))]
[JsonSerializable(typeof(ShardResult))]
[JsonSerializable(typeof(RestoreReport))]
[JsonSerializable(typeof(RestoreResult))]
[JsonSerializable(typeof(ReplicaReport))]
[JsonSerializable(typeof(CorruptCopyReport))]
[JsonSerializable(typeof(MemorySteps))]
[JsonSerializable(typeof(RunSummary))]
[JsonSerializable(typeof(LedgerEntry))]
[JsonSerializable(typeof(Incident))]
[JsonSerializable(typeof(RequestRollback))]
[JsonSerializable(typeof(Rollback))]
[JsonSerializable(typeof(AttemptSummary))]
[JsonSerializable(typeof(CheckpointSummary))]
[JsonSerializable(typeof(VerificationReport))]
[JsonSerializable(typeof(Page<RunSummary>))]
[JsonSerializable(typeof(Page<AttemptSummary>))]
[JsonSerializable(typeof(Page<CheckpointSummary>))]
[JsonSerializable(typeof(Page<LedgerEntry>))]
[JsonSerializable(typeof(Page<Rollback>))]
[JsonSerializable(typeof(Page<Incident>))]
[JsonSerializable(typeof(JoinRequest))]
[JsonSerializable(typeof(JoinResponse))]
[JsonSerializable(typeof(RegisterLayoutResponse))]
[JsonSerializable(typeof(BeginSnapshotRequest))]
[JsonSerializable(typeof(SlotLocation))]
[JsonSerializable(typeof(SealSnapshotRequest))]
[JsonSerializable(typeof(SnapshotStatus))]
[JsonSerializable(typeof(RestoreRequest))]
[JsonSerializable(typeof(RestoreResponse))]
[JsonSerializable(typeof(ReportRequest))]
[JsonSerializable(typeof(ReportResponse))]
[JsonSerializable(typeof(AgentStatus))]
[JsonSerializable(typeof(ImageDescription))]
[JsonSerializable(typeof(ReplicaOffer))]
[JsonSerializable(typeof(ReplicaOfferResult))]
[JsonSerializable(typeof(FailureReport))]
[JsonSerializable(typeof(IncidentNotice))]
[JsonSerializable(typeof(PresenceLine))]
[JsonSerializable(typeof(Problem))]
public sealed partial class ContractsJsonContext : JsonSerializerContext;
