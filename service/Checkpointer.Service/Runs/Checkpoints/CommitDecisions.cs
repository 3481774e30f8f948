using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Events;
using Checkpointer.Service.Runs.Incidents;

namespace Checkpointer.Service.Runs.Checkpoints;

/// <summary>How a checkpoint ends.</summary>
internal static class CommitDecisions
{
    /// <inheritdoc cref="PassDeadline"/>
    public static Decision<Acknowledged> DecideDeadline(RunState state, CheckpointId checkpoint, DateTimeOffset now)
    {
        if (state.Checkpoints.Find(checkpoint) is not { State: CheckpointState.Saving } record || now < record.DeadlineAt)
        {
            return Decision<Acknowledged>.Accept(Acknowledged.Instance);
        }

        var reason = $"it missed its deadline of {record.DeadlineAt:u} with {record.DurableShards} of {record.WorldSize} shards "
            + $"durable; {RankNames.Of(record.MissingRanks())} did not finish";
        return Decision<Acknowledged>.Accept(
            Acknowledged.Instance, Abandon(record, reason, new IncidentDrafts(state.Incidents, now), now));
    }

    /// <inheritdoc cref="CompleteCommit"/>
    public static Decision<Acknowledged> DecideComplete(RunState state, CheckpointId checkpoint, DateTimeOffset now)
    {
        if (state.Checkpoints.Find(checkpoint) is not { } record)
        {
            return NotFound(state, checkpoint);
        }

        return record.State switch
        {
            CheckpointState.Committed => Decision<Acknowledged>.Accept(Acknowledged.Instance),
            CheckpointState.Committing => Decision<Acknowledged>.Accept(
                Acknowledged.Instance,
                new CheckpointCommitted { At = now, Checkpoint = checkpoint, Incidents = FindFrozen(state, record, now) }),
            _ => Conflict(state, record, "committed"),
        };
    }

    /// <inheritdoc cref="RejectCommit"/>
    public static Decision<Acknowledged> DecideReject(
        RunState state, CheckpointId checkpoint, string reason, IReadOnlyList<Rank> ranks, DateTimeOffset now)
    {
        if (state.Checkpoints.Find(checkpoint) is not { } record)
        {
            return NotFound(state, checkpoint);
        }

        return record.State switch
        {
            CheckpointState.Abandoned => Decision<Acknowledged>.Accept(Acknowledged.Instance),
            CheckpointState.Committing => Decision<Acknowledged>.Accept(
                Acknowledged.Instance,
                new CheckpointAbandoned
                {
                    At = now,
                    Checkpoint = checkpoint,
                    Reason = reason,
                    Ranks = [.. ranks.Take(RunLimits.MaxNamedRanks)],
                    Incoherent = true,
                    Incidents =
                    [
                        new IncidentDrafts(state.Incidents, now).Raise(
                            IncidentKind.CheckpointIncoherent, checkpoint.Attempt, checkpoint.Step, ranks,
                            $"Checkpoint {checkpoint} is abandoned: its shards do not make one whole model. {reason}"),
                    ],
                }),
            _ => Conflict(state, record, "rejected"),
        };
    }

    /// <summary>The end of a checkpoint that is saving, and why; the ranks that are missing are to blame.</summary>
    public static CheckpointAbandoned Abandon(
        CheckpointRecord record, string reason, IncidentDrafts drafts, DateTimeOffset now)
    {
        var missing = record.MissingRanks();
        return new CheckpointAbandoned
        {
            At = now,
            Checkpoint = record.Checkpoint,
            Reason = reason,
            Ranks = missing,
            Incoherent = false,
            Incidents =
            [
                drafts.Raise(
                    IncidentKind.CheckpointAbandoned, record.Checkpoint.Attempt, record.Checkpoint.Step, missing,
                    $"Checkpoint {record.Checkpoint} is abandoned: {reason}."),
            ],
        };
    }

    private static List<Incident>? FindFrozen(RunState state, CheckpointRecord record, DateTimeOffset now)
    {
        if (record.Parent is not { } parent
            || state.Checkpoints.Find(parent)?.Shards is not { } before
            || before.Length != record.WorldSize
            || record.Shards!.Where((shard, rank) => shard!.Image.Root != before[rank]!.Image.Root).Any())
        {
            return null;
        }

        return
        [
            new IncidentDrafts(state.Incidents, now).Raise(
                IncidentKind.StateFrozen, record.Checkpoint.Attempt, record.Checkpoint.Step, [],
                $"Every rank's state in checkpoint {record.Checkpoint} is bit-identical to that in {parent}, although the "
                + "step advanced: the optimizer does not update what is saved, or the save captures old memory."),
        ];
    }

    private static Decision<Acknowledged> NotFound(RunState state, CheckpointId checkpoint) =>
        Decision<Acknowledged>.Refuse(ErrorCode.NotFound, $"Run {state.Run} has no checkpoint {checkpoint}.");

    private static Decision<Acknowledged> Conflict(RunState state, CheckpointRecord record, string what) =>
        Decision<Acknowledged>.Refuse(
            ErrorCode.CheckpointConflict,
            $"Checkpoint {record.Checkpoint} of run {state.Run} cannot be {what}: it is {record.State}.");
}
