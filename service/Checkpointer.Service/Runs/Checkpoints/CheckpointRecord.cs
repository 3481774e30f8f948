using System.Text.Json.Serialization;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Checkpoints;

/// <summary>A checkpoint and where it is in its life.</summary>
internal sealed class CheckpointRecord
{
    private CheckpointState _state;

    /// <summary>Which.</summary>
    public required CheckpointId Checkpoint { get; init; }

    /// <summary>Number of ranks.</summary>
    public required int WorldSize { get; init; }

    /// <summary>When the first rank sealed or stored its shard.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>Where in its life; moved by <see cref="Move"/> only.</summary>
    public CheckpointState State
    {
        get => _state;
        init => _state = value;
    }

    /// <summary>By when it has to be complete.</summary>
    public required DateTimeOffset DeadlineAt { get; set; }

    /// <summary>When its last shard became durable; null while saving, or if it never did.</summary>
    public DateTimeOffset? CompletedAt { get; set; }

    /// <summary>When it was committed or abandoned.</summary>
    public DateTimeOffset? EndedAt { get; set; }

    /// <summary>
    /// The newest checkpoint before it on its lineage that was committed when its last shard became durable. Settled then,
    /// so that its manifest is the same however often it is built.
    /// </summary>
    public CheckpointId? Parent { get; set; }

    /// <summary>How many ranks have sealed it in memory.</summary>
    public int SealedRanks { get; set; }

    /// <summary>How many shards are durable.</summary>
    public int DurableShards { get; set; }

    /// <summary>Bytes of the images that are sealed or stored.</summary>
    public long ImageBytes { get; set; }

    /// <summary>Bytes that the durable shards store.</summary>
    public long StoredBytes { get; set; }

    /// <summary>
    /// The durable shards by rank, null for those that aren't yet. Null as a whole once it is abandoned, or committed and not
    /// among the newest <see cref="RunLimits.MaxDetailedCheckpoints"/>.
    /// </summary>
    public StoredShard?[]? Shards { get; set; }

    /// <summary>Whether a durable shard has NaN or infinite values.</summary>
    public bool NonFinite { get; set; }

    /// <summary>Why it was abandoned.</summary>
    public string? Reason { get; set; }

    /// <summary>Who is to blame for that.</summary>
    public IReadOnlyList<Rank> Blamed { get; set; } = [];

    /// <summary>The newest verification; null if it was never verified.</summary>
    public Verification? Verification { get; set; }

    /// <summary>Whether the newest verification found it damaged in storage.</summary>
    [JsonIgnore]
    public bool IsDamaged => Verification is { Report.Outcome: VerificationOutcome.Damaged };

    /// <summary>Moves it on, or throws if it can't.</summary>
    public void Move(CheckpointTrigger trigger) => _state = CheckpointTransitions.Next(_state, trigger);

    /// <summary>The ranks whose shard is not durable, the first <see cref="RunLimits.MaxNamedRanks"/>.</summary>
    public List<Rank> MissingRanks() => Shards is null || DurableShards == WorldSize
        ? []
        :
        [
            .. Enumerable.Range(0, WorldSize).Where(rank => Shards[rank] is null)
                .Take(RunLimits.MaxNamedRanks).Select(rank => new Rank(rank)),
        ];

    /// <summary>A copy that shares nothing that changes.</summary>
    public CheckpointRecord Copy()
    {
        var copy = (CheckpointRecord)MemberwiseClone();
        copy.Shards = (StoredShard?[]?)Shards?.Clone();
        return copy;
    }

    /// <summary>The same for readers.</summary>
    public CheckpointSummary Summarise(bool onLineage) => new()
    {
        Checkpoint = Checkpoint,
        State = State,
        OnLineage = onLineage,
        StartedAt = StartedAt,
        EndedAt = EndedAt,
        WorldSize = WorldSize,
        SealedRanks = SealedRanks,
        DurableShards = DurableShards,
        ImageBytes = ImageBytes,
        StoredBytes = StoredBytes,
        NonFinite = NonFinite,
        Reason = Reason,
        MissingRanks = State == CheckpointState.Saving ? MissingRanks() : Blamed,
        Verification = Verification,
    };
}
