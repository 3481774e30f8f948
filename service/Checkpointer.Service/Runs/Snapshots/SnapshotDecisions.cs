using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Checkpoints;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Events;
using Checkpointer.Service.Runs.Incidents;
using Checkpointer.Service.Runs.Ledger;

namespace Checkpointer.Service.Runs.Snapshots;

/// <summary>
/// What a snapshot report comes to. A rank's first outcome of a step is final: an equal repeat changes nothing, another
/// outcome is refused. What comes too late to matter (the step was given up, or a newer one is global) is acknowledged.
/// </summary>
internal static class SnapshotDecisions
{
    public static Decision<Acknowledged> Decide(RunState state, SnapshotReport body, DateTimeOffset now)
    {
        var refusal = SnapshotReportChecks.Check(body, out var cursor)
            ?? Fence.Check(state, body.Attempt)
            ?? Fence.CheckRank(body.Rank, state.Attempts.Current!.WorldSize, $"attempt {body.Attempt}");
        if (refusal is not null)
        {
            return Decision<Acknowledged>.Refuse(refusal);
        }

        var snapshot = new CheckpointId(body.Step, body.Attempt);
        if (state.Attempts.Current!.ResumedFrom is { } resumed && body.Step <= resumed.Step)
        {
            return Decision<Acknowledged>.Refuse(
                ErrorCode.StepOutOfOrder,
                $"Attempt {body.Attempt} of run {state.Run} resumed from step {resumed.Step}; it cannot have a snapshot of step "
                + $"{body.Step}.");
        }

        if (state.Snapshots.IsGivenUp(snapshot)
            || state.Checkpoints.Find(snapshot) is { State: CheckpointState.Abandoned } && state.Snapshots.Find(snapshot) is null)
        {
            // Even so it tells that the rank went on.
            return Decision<Acknowledged>.Accept(
                Acknowledged.Instance,
                body.Outcome == SnapshotOutcome.Sealed
                    ? Overtaken(state, body, new IncidentDrafts(state.Incidents, now), now)
                    : []);
        }

        return body.Outcome == SnapshotOutcome.Sealed
            ? DecideSealed(state, snapshot, body, cursor, now)
            : DecideGivenUp(state, snapshot, body, now);
    }

    private static Decision<Acknowledged> DecideSealed(
        RunState state, CheckpointId snapshot, SnapshotReport body, string? cursor, DateTimeOffset now)
    {
        var image = ImageFacts.Of(body.Image!);
        if (Known(state, snapshot, body.Rank) is { } known && !known.SameBytes(image))
        {
            return Conflict(state, snapshot, body.Rank, $"sealed with root {known.Root}");
        }

        var record = state.Snapshots.Find(snapshot);
        if (record is null ? IsOutlived(state, snapshot) : record.Images[body.Rank.Value] is not null)
        {
            return Decision<Acknowledged>.Accept(Acknowledged.Instance);
        }

        var drafts = new IncidentDrafts(state.Incidents, now);
        if (record is null && RankBeyond(state, body) is { } beyond)
        {
            var reason = $"rank {beyond} went on to a newer step without it before rank {body.Rank} told of it";
            return Decision<Acknowledged>.Accept(
                Acknowledged.Instance, GivenUp(snapshot, beyond, body.Durable, reason, drafts, now));
        }

        var events = new List<RunEvent>(1);
        var overtaken = Overtaken(state, body, drafts, now);
        events.AddRange(overtaken);
        if (record is null && overtaken.Count == 0)
        {
            events.AddRange(MakeRoom(state, drafts, now));
        }

        var closed = state.Checkpoints.Find(snapshot) is null && state.Checkpoints.IsClosed(snapshot);
        var begins = body.Durable && !closed && state.Checkpoints.Find(snapshot) is null;
        var mayBeFull = !overtaken.OfType<SnapshotGivenUp>().Any(left => state.Checkpoints.Find(left.Checkpoint) is { State: CheckpointState.Saving });
        var room = begins && mayBeFull ? ShardDecisions.MakeRoom(state, drafts, now) : [];
        events.AddRange(room ?? []);
        events.Add(new SnapshotSealed
        {
            At = now,
            Checkpoint = snapshot,
            Rank = body.Rank,
            Durable = body.Durable && !closed && room is not null,
            Image = body.Image!,
            DataCursor = body.Rank.Value == 0 ? cursor : null,
            DeadlineAt = begins && room is not null ? now + state.Options.CheckpointDeadline : null,
            Incidents = Findings(state, record, snapshot, body, cursor, drafts),
        });
        return Decision<Acknowledged>.Accept(Acknowledged.Instance, events);
    }

    private static Decision<Acknowledged> DecideGivenUp(
        RunState state, CheckpointId snapshot, SnapshotReport body, DateTimeOffset now)
    {
        if (Known(state, snapshot, body.Rank) is { } known)
        {
            return WillNotBeStored(state, snapshot, body, now)
                ?? Conflict(state, snapshot, body.Rank, $"sealed with root {known.Root}");
        }

        if (state.Snapshots.Find(snapshot) is null && IsOutlived(state, snapshot))
        {
            return Decision<Acknowledged>.Accept(Acknowledged.Instance);
        }

        var what = body.Outcome == SnapshotOutcome.Refused ? "could not take" : "discarded";
        var why = string.IsNullOrEmpty(body.Reason) ? "no reason given" : body.Reason;
        var reason = $"rank {body.Rank} on node {body.Node} {what} its snapshot of step {body.Step}: {why}";
        return Decision<Acknowledged>.Accept(
            Acknowledged.Instance,
            GivenUp(snapshot, body.Rank, body.Durable, reason, new IncidentDrafts(state.Incidents, now), now));
    }

    // What is sealed stays so, but its rank may have given up storing it: then nobody need wait for the checkpoint's deadline.
    private static Decision<Acknowledged>? WillNotBeStored(
        RunState state, CheckpointId snapshot, SnapshotReport body, DateTimeOffset now)
    {
        if (body is not { Outcome: SnapshotOutcome.Discarded, Durable: true } || state.Checkpoints.Find(snapshot) is not { } record)
        {
            return null;
        }

        var reason = $"rank {body.Rank} on node {body.Node} gave up storing it: {(string.IsNullOrEmpty(body.Reason) ? "no reason given" : body.Reason.TrimEnd('.'))}";
        return record switch
        {
            { State: CheckpointState.Abandoned } => Decision<Acknowledged>.Accept(Acknowledged.Instance),
            { State: CheckpointState.Saving } when record.Shards?[body.Rank.Value] is null => Decision<Acknowledged>.Accept(
                Acknowledged.Instance, CommitDecisions.Abandon(record, reason, new IncidentDrafts(state.Incidents, now), now)),
            _ => null,
        };
    }

    // A step that is given up is told once, by the first rank on whose account it is.
    private static SnapshotGivenUp GivenUp(
        CheckpointId snapshot, Rank rank, bool durable, string reason, IncidentDrafts drafts, DateTimeOffset now) => new()
        {
            At = now,
            Checkpoint = snapshot,
            Rank = rank,
            Durable = durable,
            Reason = reason,
            Incidents =
            [
                drafts.Raise(
                    IncidentKind.SnapshotRefused, snapshot.Attempt, snapshot.Step, [rank],
                    $"Step {snapshot.Step} is given up for all ranks: {reason.TrimEnd('.')}."),
            ],
        };

    // A rank seals in order: a step that it has not sealed before a newer one, it never will. Without its agent it could not
    // even say so, and the slots of all others would wait for it.
    private static List<RunEvent> Overtaken(
        RunState state, SnapshotReport body, IncidentDrafts drafts, DateTimeOffset now) =>
    [
        .. state.Snapshots.Records
            .Where(record => !record.IsGlobal && record.Checkpoint.Attempt == body.Attempt
                && record.Checkpoint.Step < body.Step && record.Images[body.Rank.Value] is null)
            .Select(record => GivenUp(
                record.Checkpoint,
                body.Rank,
                durable: false,
                $"rank {body.Rank} on node {body.Node} went on to step {body.Step} without it",
                drafts,
                now)),
    ];

    // Another rank that has sealed a newer step although nobody has told of this one, as after an agent's restart.
    private static Rank? RankBeyond(RunState state, SnapshotReport body)
    {
        foreach (var newer in state.Snapshots.Records.Where(
            record => record.Checkpoint.Attempt == body.Attempt && record.Checkpoint.Step > body.Step))
        {
            var other = Array.FindIndex(newer.Images, image => image is not null);
            other = other == body.Rank.Value
                ? Array.FindIndex(newer.Images, other + 1, image => image is not null)
                : other;
            if (other >= 0)
            {
                return new Rank(other);
            }
        }

        return null;
    }

    private static List<SnapshotGivenUp> MakeRoom(RunState state, IncidentDrafts drafts, DateTimeOffset now)
    {
        // What the attempt resumed from may be partial too, but is not this attempt's to give up.
        var partial = state.Snapshots.Records
            .Where(record => !record.IsGlobal && record.Checkpoint.Attempt == state.CurrentAttempt).ToList();
        if (partial.Count < RunLimits.MaxOpenSnapshots)
        {
            return [];
        }

        var missing = partial[0].MissingRanks();
        var reason = $"{RankNames.Of(missing)} never sealed it and {RunLimits.MaxOpenSnapshots} steps wait already";
        return [GivenUp(partial[0].Checkpoint, missing[0], durable: false, reason, drafts, now)];
    }

    private static List<Incident>? Findings(
        RunState state, SnapshotRecord? record, CheckpointId snapshot, SnapshotReport body, string? cursor, IncidentDrafts drafts)
    {
        var incidents = NonFinite(record, snapshot, body, drafts) ?? [];
        if (CursorChecks.OfSnapshot(state, snapshot, body.Rank, cursor, drafts) is { } mismatch)
        {
            incidents.Add(mismatch);
        }

        return incidents.Count == 0 ? null : incidents;
    }

    // The first rank is told at once; all of them together when the step is global.
    private static List<Incident>? NonFinite(
        SnapshotRecord? record, CheckpointId snapshot, SnapshotReport body, IncidentDrafts drafts)
    {
        var image = body.Image!;
        var finite = SnapshotBook.IsFinite(image);
        var others = record?.NonFiniteRanks ?? [];
        var incidents = new List<Incident>();
        if (!finite && others.Count == 0)
        {
            var tensors = image.NonFiniteTensors.Count == 0 ? "" : $" in {string.Join(", ", image.NonFiniteTensors)}";
            incidents.Add(drafts.Raise(
                IncidentKind.NonFiniteState, snapshot.Attempt, snapshot.Step, [body.Rank],
                $"The state of rank {body.Rank} on node {body.Node} at step {body.Step} has {image.NanCount} NaN and "
                + $"{image.InfCount} infinite values{tensors}."));
        }

        var becomesGlobal = record is not null && record.SealedRanks == record.Images.Length - 1;
        List<Rank> all = finite ? others : [.. others, body.Rank];
        if (becomesGlobal && all.Count > 1)
        {
            all.Sort();
            incidents.Add(drafts.Raise(
                IncidentKind.NonFiniteState, snapshot.Attempt, snapshot.Step, all,
                $"Step {body.Step}, now sealed by every rank, has NaN or infinite values in {RankNames.Of(all)}."));
        }

        return incidents.Count == 0 ? null : incidents;
    }

    private static ImageFacts? Known(RunState state, CheckpointId snapshot, Rank rank) =>
        state.Snapshots.Find(snapshot)?.Images[rank.Value] ?? state.Checkpoints.Find(snapshot)?.Shards?[rank.Value]?.Image;

    private static bool IsOutlived(RunState state, CheckpointId snapshot) =>
        state.Snapshots.GloballySealed is { } newest && snapshot.Step <= newest.Step;

    private static Decision<Acknowledged> Conflict(RunState state, CheckpointId snapshot, Rank rank, string how) =>
        Decision<Acknowledged>.Refuse(
            ErrorCode.CheckpointConflict,
            $"Rank {rank} of run {state.Run} reported its snapshot {snapshot} already, {how}. The first report holds.");
}
