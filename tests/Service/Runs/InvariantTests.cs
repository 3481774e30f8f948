using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Checkpoints;
using CsCheck;

namespace Checkpointer.Service.Tests.Runs;

/// <summary>Invariants 2, 3 and 4 of the design, and that a crash at any point loses nothing, on random histories.</summary>
public sealed class InvariantTests
{
    private const int Histories = 150;

    private static readonly Gen<HistoryOp[]> Ops = Gen.Select(
        Gen.Int[0, RandomHistory.Kinds - 1], Gen.Int[0, 7], Gen.Int[0, 7], Gen.Int[0, 2],
        (kind, a, b, c) => new HistoryOp(kind, a, b, c)).Array[1, 90];

    [Fact]
    public void RandomHistories_KeepTheInvariants() => Ops.Sample(
        ops =>
        {
            var history = new RandomHistory();
            foreach (var op in ops)
            {
                history.Play(op);
                CheckLedger(history);
                CheckSwept(history);
                CheckRollbacks(history);
            }

            CheckShards(history);
            foreach (var grant in history.Grants)
            {
                CheckPlan(grant);
                CheckObeyed(history, grant);
            }

            history.CheckReplay();
        },
        iter: Histories);

    [Fact]
    public void RandomHistories_ReachWhatTheyAreMeantToReach()
    {
        var (commits, abandoned, replays, gaps, resumed, condemned, replanned, confirmed) = (0, 0, 0, 0, 0, 0, 0, 0);
        var (obeyed, missed, left, back) = (0, 0, 0, 0);
        Ops.Sample(
            ops =>
            {
                var history = new RandomHistory();
                Array.ForEach(ops, history.Play);
                var state = history.Run.State;
                Interlocked.Add(ref commits, state.Checkpoints.CommittedCount);
                Interlocked.Add(ref abandoned, state.Checkpoints.Records.Count(record => record.State == CheckpointState.Abandoned));
                Interlocked.Add(ref replays, state.Ledger.Entries.Count(entry => entry.Replayed));
                Interlocked.Add(ref gaps, state.Incidents.Kept.Count(incident => incident.Kind == IncidentKind.LedgerGap));
                Interlocked.Add(ref condemned, history.Swept.Count(id => state.StandingOf(id) == SaveStanding.Condemned));
                Interlocked.Add(ref replanned, state.Incidents.Kept.Count(incident => incident.Kind == IncidentKind.PlanReplaced));
                Interlocked.Add(ref confirmed, state.Attempts.All.Count(attempt =>
                    attempt.ResumedFrom is not null && attempt.Restores.Values.Count(restore => restore.Succeeded) == attempt.WorldSize));
                Interlocked.Add(ref obeyed, history.Rollbacks.Count(rollback => state.Rollbacks.Kept.Any(
                    kept => kept.Number == rollback.Number && kept.Granted is { } granted && state.FindAttempt(granted)!.ResumedFrom == kept.Target)));
                Interlocked.Add(ref missed, state.Incidents.Kept.Count(incident => incident.Kind == IncidentKind.RollbackMissed));
                Interlocked.Add(ref left, history.Rollbacks.Count(rollback => rollback.LeavesCount > 0));
                Interlocked.Add(ref back, history.Grants.Count(grant => grant.Before.Rollbacks.Pending is { } pending
                    && !grant.Before.Attempts.Path.Contains(pending.Target)));
                Interlocked.Add(ref resumed, history.Grants.Count(grant => grant.Plan.ResumeFrom is not null));
            },
            iter: 400);
        Assert.True(obeyed > 5 && missed > 0 && left > 0 && back > 0, $"rollbacks obeyed {obeyed}, missed {missed}, left {left}, of another lineage {back}");
        Assert.True(
            commits > 5 && abandoned > 30 && replays > 30 && gaps > 5 && resumed > 10 && condemned > 100 && replanned > 0 && confirmed > 0,
            $"commits {commits}, abandoned {abandoned}, replays {replays}, gaps {gaps}, resumed {resumed}, condemned {condemned}, "
            + $"replanned {replanned}, confirmed {confirmed}");
    }

    // Invariant 5: what may be deleted is no checkpoint, and never becomes one.
    private static void CheckSwept(RandomHistory history) => Assert.All(
        history.Run.State.Checkpoints.Records.Where(record => history.Swept.Contains(record.Checkpoint)),
        record => Assert.Equal(CheckpointState.Abandoned, record.State));

    // What was decided stays decided, fences the attempt that it was decided against until another one is granted, and loses nothing.
    private static void CheckRollbacks(RandomHistory history)
    {
        var state = history.Run.State;
        Assert.All(history.Rollbacks, rollback => Assert.Equal(
            rollback, state.Rollbacks.Kept[(int)rollback.Number - 1] with { Granted = null, Leaves = rollback.Leaves }));
        Assert.All(
            state.Rollbacks.Kept.Where(rollback => rollback.Granted is not null), rollback => Assert.True(rollback.Granted > rollback.Fenced));
        Assert.Equal(state.Rollbacks.Pending is not null, state.Progress?.Fenced == true);
        Assert.True(state.Rollbacks.Pending is not { } pending || pending.Fenced == state.CurrentAttempt);
        Assert.All(history.Committed, id => Assert.Equal(CheckpointState.Committed, state.Checkpoints.Find(id)!.State));
    }

    // The grant that follows a rollback resumes exactly there, or from something older if that is lost: which is told.
    private static void CheckObeyed(RandomHistory history, Grant grant)
    {
        if (grant.Before.Rollbacks.Pending is not { } pending)
        {
            return;
        }

        var resumed = grant.Plan.ResumeFrom;
        var isMissed = history.Run.State.Incidents.Kept.Any(incident =>
            incident.Kind == IncidentKind.RollbackMissed && incident.Attempt > grant.Before.CurrentAttempt && incident.Step == pending.Target.Step);
        Assert.True(resumed == pending.Target || (isMissed && (resumed is not { } older || older.Step <= pending.Target.Step)), $"{pending.Target}, {resumed}");
        Assert.True(
            resumed == pending.Target || grant.Before.Checkpoints.Find(pending.Target) is not { State: CheckpointState.Committed, IsDamaged: false },
            $"{pending.Target} is committed; resumed {resumed}");
    }

    // Invariant 2: all of a checkpoint's shards are of one step and one attempt lineage.
    private static void CheckShards(RandomHistory history)
    {
        var state = history.Run.State;
        foreach (var record in state.Checkpoints.Records.Where(
            record => record.State is CheckpointState.Committing or CheckpointState.Committed))
        {
            var id = record.Checkpoint;
            var manifest = state.BuildManifest(id, 4096);
            Formats.Manifests.Manifest.Parse(manifest.Encode());
            Assert.Equal(id, manifest.Checkpoint);
            foreach (var shard in manifest.Shards)
            {
                var reported = history.Shards.Where(report => report.Checkpoint == id && report.Rank == shard.Rank).ToList();
                Assert.NotEmpty(reported);
                Assert.All(reported, report => Assert.Equal(report.Image.Root, shard.Root));
                Assert.All(reported, report => Assert.True(
                    report.Attempt == id.Attempt || state.FindAttempt(report.Attempt)!.ResumedFrom == id
                    || history.Replaced.Contains((report.Attempt, id))));
                Assert.All(
                    history.Seals.Where(seal => seal.Step == id.Step && seal.Attempt == id.Attempt && seal.Rank == shard.Rank),
                    seal => Assert.Equal(seal.Image!.Root, shard.Root));
            }

            Assert.All(manifest.Lineage, entry => Assert.Equal(state.FindAttempt(entry.Attempt)!.ResumedFrom, entry.ResumedFrom));
            Assert.Equal(id.Attempt, manifest.Lineage[^1].Attempt);
        }
    }

    // Invariant 3: the ledger on the current lineage is consecutive: no step skipped (or it is an incident), none twice.
    private static void CheckLedger(RandomHistory history)
    {
        var state = history.Run.State;
        var entries = state.ListLedger(null, 1000).Items;
        var way = new List<LedgerEntry>();
        var last = long.MaxValue;
        for (var attempt = state.CurrentAttempt; attempt is { } current;)
        {
            var from = state.FindAttempt(current)!.ResumedFrom;
            way.InsertRange(0, entries.Where(entry => entry.Attempt == current && entry.Report.Step.Value <= last));
            Assert.All(
                entries.Where(entry => entry.Attempt == current),
                entry => Assert.True(entry.Report.Step.Value > (from?.Step.Value ?? 0)));
            (attempt, last) = (from?.Attempt, from?.Step.Value ?? 0);
        }

        var previous = 0L;
        foreach (var entry in way)
        {
            var step = entry.Report.Step.Value;
            Assert.True(step > previous, $"step {step} comes after {previous} on the lineage");
            if (step > previous + 1 && entry != entries[0])
            {
                Assert.Contains(
                    state.Incidents.Kept,
                    incident => incident.Kind == IncidentKind.LedgerGap && incident.Step!.Value.Value > previous && incident.Step.Value.Value <= step);
            }

            previous = step;
        }

        Assert.Equal(way.Count == 0 ? null : way[^1].Report.Step, state.CurrentAttempt is null ? null : state.Summarise().LedgerStep);
    }

    // The plan is the newest step that everything says can be had, every source has it, and a committed one is never lost.
    private static void CheckPlan(Grant grant)
    {
        var (before, plan) = (grant.Before, grant.Plan);
        var resumed = plan.ResumeFrom;
        var limit = before.Rollbacks.Pending?.Target.Step.Value ?? long.MaxValue;
        var committed = before.Checkpoints.Records
            .Where(record => record.State == CheckpointState.Committed && record.Checkpoint.Step.Value <= limit)
            .Select(record => record.Checkpoint).ToList();
        Assert.True(resumed is not null || committed.Count == 0);
        Assert.True(resumed is not { } from || OnWay(before, from) || !committed.Exists(id => OnWay(before, id)));
        var onWay = before.Checkpoints.Records.Where(record => committed.Contains(record.Checkpoint) && OnWay(before, record.Checkpoint)).ToList();
        Assert.All(
            onWay.Where(record => !record.IsDamaged || onWay.TrueForAll(other => other.IsDamaged)),
            record => Assert.True(record.Checkpoint.Step <= resumed!.Value.Step));
        foreach (var held in before.Barrier.Pending!.Agents.Values.SelectMany(agent => agent.Images).GroupBy(image => image.Checkpoint))
        {
            var world = before.FindAttempt(held.Key.Attempt)!.WorldSize;
            var clean = held.All(image => before.FindImage(held.Key, image.Rank.Value) is not { } known || known.Root == image.Root)
                && held.GroupBy(image => image.Rank).All(copies => copies.Select(copy => copy.Root).Distinct().Count() == 1);
            if (clean && held.Select(image => image.Rank).Distinct().Count() == world
                && OnWay(before, held.Key) && !before.Snapshots.IsGivenUp(held.Key))
            {
                Assert.True(resumed is { } chosen && chosen.Step >= held.Key.Step, $"{held.Key} was whole in memory; resumed {resumed}");
            }
        }

        if (resumed is not { } id)
        {
            return;
        }

        Assert.Equal(before.FindAttempt(id.Attempt)!.WorldSize, plan.Images.Count);
        foreach (var image in plan.Images)
        {
            Assert.NotEmpty(image.Sources);
            Assert.All(image.Sources, source => Assert.True(source.Tier == Tier.Storage
                ? committed.Contains(id)
                : before.Barrier.Pending.Agents[source.Node!].Images.Any(held =>
                    held.Checkpoint == id && held.Rank == image.Rank && held.Root == image.Root)));
        }
    }

    // The rule of lineage once more, told by the attempts alone.
    private static bool OnWay(RunState state, CheckpointId id)
    {
        // A rollback cuts the way; and an attempt that trained on no plan has left nothing behind.
        var (start, last) = state.Rollbacks.Pending is { Target: var target } ? (target.Attempt, target.Step.Value)
            : state.Attempts.Restoring is { Failed: [var granted, ..] } && state.Attempts.Current!.FirstStepAt is null
            ? (granted.Attempt, granted.Step.Value)
            : (state.CurrentAttempt, long.MaxValue);
        for (var attempt = start; attempt is { } current;)
        {
            if (current == id.Attempt)
            {
                return id.Step.Value <= last;
            }

            var from = state.FindAttempt(current)!.ResumedFrom;
            (attempt, last) = (from?.Attempt, from?.Step.Value ?? 0);
        }

        return false;
    }
}
