using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Events;
using Checkpointer.Service.Runs.Incidents;

namespace Checkpointer.Service.Runs.Checkpoints;

/// <summary>What a shard report comes to: the shard is kept, known already, or in conflict with what is known.</summary>
internal static class ShardDecisions
{
    public static Decision<ShardResult> Decide(RunState state, ShardReport body, DateTimeOffset now)
    {
        var refusal = ShardReportChecks.Check(body) ?? Fence.Check(state, body.Attempt) ?? CheckBelongs(state, body);
        if (refusal is not null)
        {
            return Decision<ShardResult>.Refuse(refusal);
        }

        var record = state.Checkpoints.Find(body.Checkpoint);
        var worldSize = record?.WorldSize ?? state.Attempts.Find(body.Checkpoint.Attempt)!.WorldSize;
        if (Fence.CheckRank(body.Rank, worldSize, $"checkpoint {body.Checkpoint}") is { } noSuchRank)
        {
            return Decision<ShardResult>.Refuse(noSuchRank);
        }

        if (record is null)
        {
            return DecideFirst(state, body, now);
        }

        return record.State switch
        {
            CheckpointState.Abandoned =>
                Conflict(state, body, $"was abandoned: {record.Reason}. Stop draining it"),
            CheckpointState.Saving when record.Shards![body.Rank.Value] is null => Store(state, record, body, null, now, []),
            _ => DecideRepeat(state, record, body),
        };
    }

    /// <summary>
    /// What makes room for one more open checkpoint: nothing, or the end of the oldest that is still saving; null if no room
    /// can be made.
    /// </summary>
    public static IReadOnlyList<RunEvent>? MakeRoom(RunState state, IncidentDrafts drafts, DateTimeOffset now)
    {
        if (state.Checkpoints.OpenCount < RunLimits.MaxOpenCheckpoints)
        {
            return [];
        }

        var resumed = state.Attempts.Current?.ResumedFrom;
        var oldest = state.Checkpoints.Open
            .FirstOrDefault(open => open.State == CheckpointState.Saving && open.Checkpoint != resumed);
        return oldest is null
            ? null
            : [CommitDecisions.Abandon(
                oldest,
                $"{RunLimits.MaxOpenCheckpoints} checkpoints are being saved already and it is the oldest; "
                + $"{RankNames.Of(oldest.MissingRanks())} did not finish",
                drafts,
                now)];
    }

    private static Decision<ShardResult> DecideFirst(RunState state, ShardReport body, DateTimeOffset now)
    {
        if (state.Snapshots.IsGivenUp(body.Checkpoint))
        {
            return Conflict(state, body, "was given up because a rank could not take its snapshot. Stop draining it");
        }

        if (state.Checkpoints.IsClosed(body.Checkpoint))
        {
            return Conflict(
                state, body, "was left by an attempt that was fenced out, or abandoned long ago; what was stored of it is being deleted. Stop draining it");
        }

        var room = MakeRoom(state, new IncidentDrafts(state.Incidents, now), now);
        return room is null
            ? Decision<ShardResult>.Refuse(
                ErrorCode.LimitExceeded,
                $"Run {state.Run} has {RunLimits.MaxOpenCheckpoints} checkpoints that wait for their manifest; there is no room "
                + $"for {body.Checkpoint}. The object store is likely down.")
            : Store(state, null, body, now + state.Options.CheckpointDeadline, now, room);
    }

    private static Decision<ShardResult> Store(
        RunState state, CheckpointRecord? record, ShardReport body, DateTimeOffset? deadlineAt, DateTimeOffset now,
        IReadOnlyList<RunEvent> before)
    {
        if (state.Snapshots.Find(body.Checkpoint)?.Images[body.Rank.Value] is { } known
            && !known.SameBytes(ImageFacts.Of(body.Image)))
        {
            return Conflict(
                state, body, $"was sealed by rank {body.Rank} with root {known.Root}; the stored image has root {body.Image.Root}");
        }

        var stored = new ShardStored
        {
            At = now,
            Checkpoint = body.Checkpoint,
            Rank = body.Rank,
            IndexSha256 = body.IndexSha256,
            IndexBytes = body.IndexBytes,
            Image = body.Image,
            StoredBytes = body.StoredBytes,
            PackBytes = body.PackBytes,
            DrainMs = body.DrainMs,
            DeadlineAt = deadlineAt,
        };
        var shards = (record?.DurableShards ?? 0) + 1;
        var worldSize = record?.WorldSize ?? state.Attempts.Find(body.Checkpoint.Attempt)!.WorldSize;
        return Decision<ShardResult>.Accept(
            new ShardResult
            {
                State = shards == worldSize ? CheckpointState.Committing : CheckpointState.Saving,
                DurableShards = shards,
            },
            [.. before, stored]);
    }

    // Packs and time may differ: a drain that was done again found more chunks in storage.
    private static Decision<ShardResult> DecideRepeat(RunState state, CheckpointRecord record, ShardReport body)
    {
        var known = record.Shards?[body.Rank.Value];
        var equal = known is null
            || (known.IndexSha256 == body.IndexSha256 && known.IndexBytes == body.IndexBytes
                && known.StoredBytes == body.StoredBytes && known.Image.SameBytes(ImageFacts.Of(body.Image)));
        return equal
            ? Decision<ShardResult>.Accept(new ShardResult { State = record.State, DurableShards = record.DurableShards })
            : Conflict(state, body, $"has another shard of rank {body.Rank} already, with index {known!.IndexSha256}");
    }

    // The attempt may write its own checkpoints, and finish the one that it resumed from.
    private static Refusal? CheckBelongs(RunState state, ShardReport body)
    {
        var resumed = state.Attempts.Current!.ResumedFrom;
        if (body.Checkpoint == resumed)
        {
            return null;
        }

        if (body.Checkpoint.Attempt != body.Attempt)
        {
            return new Refusal(
                ErrorCode.StaleAttempt,
                $"Checkpoint {body.Checkpoint} of run {state.Run} is not of attempt {body.Attempt} and not what that resumed "
                + "from: its attempt was fenced out. Stop draining it.");
        }

        return body.Checkpoint.Step > (resumed?.Step ?? default)
            ? null
            : new Refusal(
                ErrorCode.StepOutOfOrder,
                $"Attempt {body.Attempt} of run {state.Run} resumed from step {resumed!.Value.Step}; it cannot have a checkpoint "
                + $"of step {body.Checkpoint.Step}.");
    }

    private static Decision<ShardResult> Conflict(RunState state, ShardReport body, string what) =>
        Decision<ShardResult>.Refuse(ErrorCode.CheckpointConflict, $"Checkpoint {body.Checkpoint} of run {state.Run} {what}.");
}
