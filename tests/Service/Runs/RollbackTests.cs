using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Rollbacks;

namespace Checkpointer.Service.Tests.Runs;

public sealed class RollbackTests
{
    private readonly RunDriver _run = new();

    public RollbackTests()
    {
        _run.Start("a", 2);
        _run.Report(1, 20);
        _run.Commit(20, 2);
        _run.Report(21, 40);
        _run.Commit(40, 2);
        _run.Report(41, 60);
        _run.Commit(60, 2);
        _run.Report(61, 65);
    }

    [Fact]
    public void Rollback_IsRecordedFencesAtOnce_AndTheNextGrantResumesExactlyThere()
    {
        var decided = _run.Accepted(Back("20", comment: "loss went up at 30"));
        Assert.Equal((1L, RunDriver.Id(20, 1), "ann", new Attempt(1), new Step(65)), (decided.Number, decided.Target, decided.By, decided.Fenced, decided.LedgerStep!.Value));
        Assert.Equal([RunDriver.Id(40, 1), RunDriver.Id(60, 1)], decided.Leaves);
        Assert.Equal(RunDriver.Id(20, 1), _run.State.Summarise().RollbackTo);
        Assert.True(_run.State.Progress!.Fenced);
        Assert.Equal(decided.At, _run.State.FindAttempt(new Attempt(1))!.FencedAt);
        _run.Refused(_run.StepsOf(RunDriver.StepOf(66)), ErrorCode.StaleAttempt);
        _run.Refused(RunDriver.JoinOf("a", 0, 2), ErrorCode.StaleAttempt);

        _run.Crash();
        var plan = _run.Start("b", 2);
        Assert.Equal(RunDriver.Id(20, 1), plan.ResumeFrom);
        Assert.Contains("Rolled back to 20.1 by ann", plan.Reason, StringComparison.Ordinal);
        Assert.False(_run.State.Progress!.Fenced);
        Assert.Null(_run.State.Summarise().RollbackTo);
        Assert.Equal(new Attempt(2), Assert.Single(_run.State.ListRollbacks(null, 10).Items).Granted);
        Assert.Empty(_run.Incidents);
        Assert.Equal(
            [(20, true), (40, false), (60, false)],
            _run.State.ListCheckpoints(null, 10).Items.Select(item => ((int)item.Checkpoint.Step.Value, item.OnLineage)));

        // Without another decision the one after goes on where that one is.
        _run.Report(21, 30);
        Assert.Equal(RunDriver.Id(20, 1), _run.Start("c", 2).ResumeFrom);
    }

    [Fact]
    public void StepsReachedAgain_AreTheirOwnCheckpoints_AndReplaysAreComparedWithTheOldOnes()
    {
        _run.Accepted(Back("20"));
        _run.Start("b", 2);
        _run.Report(21, 39);
        Assert.Empty(_run.Accepted(_run.StepsOf(RunDriver.StepOf(40))).Incidents);
        var again = _run.Commit(40, 2);
        Assert.Equal(RunDriver.Id(40, 2), again);
        Assert.All(
            new[] { RunDriver.Id(40, 1), again }, id => Assert.Equal(CheckpointState.Committed, _run.Checkpoint(id).State));
        Assert.Equal((false, true), (_run.Checkpoint(RunDriver.Id(40, 1)).OnLineage, _run.Checkpoint(again).OnLineage));
        Assert.All(
            _run.State.ListLedger(null, 1000).Items.Where(entry => entry.Attempt == new Attempt(2)),
            entry => Assert.True(entry is { Replayed: true, Diverged: false }));

        var diverged = Assert.Single(_run.Accepted(_run.StepsOf(RunDriver.StepOf(41, loss: 9))).Incidents);
        Assert.Equal(IncidentKind.ReplayDivergence, diverged.Kind);
        Assert.Contains("loss", diverged.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void StepNumber_MeansTheCurrentLineage_AndAnotherLineageIsNamedInFull()
    {
        _run.Accepted(Back("20"));
        _run.Start("b", 2);
        _run.Report(21, 40);
        _run.Commit(40, 2);
        Assert.Equal(RunDriver.Id(40, 2), _run.Accepted(Back("40", dryRun: true)).Target);
        var refusal = _run.Refused(Back("60"), ErrorCode.NotFound);
        Assert.Contains("60.1", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("It can go back to 40.2, 20.1.", refusal.Message, StringComparison.Ordinal);

        // Which takes the first rollback back.
        Assert.Equal(RunDriver.Id(60, 1), _run.Accepted(Back("60.1")).Target);
        Assert.Equal(RunDriver.Id(60, 1), _run.Start("c", 2).ResumeFrom);
        Assert.True(_run.Checkpoint(RunDriver.Id(40, 1)).OnLineage);
        Assert.False(_run.Checkpoint(RunDriver.Id(40, 2)).OnLineage);
    }

    [Fact]
    public void Latest_IsTheNewestInMemoryOrStorage_AndKnownGoodTheNewestThatNothingSpeaksAgainst()
    {
        _run.SealAll(62, 2, durable: false);
        Assert.Equal(RunDriver.Id(62, 1), _run.Accepted(Back("latest", dryRun: true)).Target);
        Assert.Equal(RunDriver.Id(60, 1), _run.Accepted(Back("known_good", dryRun: true)).Target);
        _run.Accepted(new RecordVerification(RunDriver.Id(60, 1), RunDriver.Damaged()));
        Assert.Equal(RunDriver.Id(40, 1), _run.Accepted(Back("known-good", dryRun: true)).Target);
        Assert.Contains("damaged", _run.Refused(Back("60.1"), ErrorCode.RestoreImpossible).Message, StringComparison.Ordinal);

        SaveWithNan(64);
        Assert.Equal(RunDriver.Id(64, 1), _run.Accepted(Back("latest", dryRun: true)).Target);
        Assert.Equal(RunDriver.Id(40, 1), _run.Accepted(Back("known_good", dryRun: true)).Target);
        Assert.True(_run.Checkpoint(RunDriver.Id(64, 1)).NonFinite);
    }

    [Fact]
    public void SnapshotInMemory_CanBeGoneBackTo_AndAnOlderOneIsTakenIfItIsLostBeforeTheNextGrant()
    {
        _run.SealAll(62, 2, durable: false);
        _run.Report(66, 66);
        _run.Accepted(Back("62"));
        var other = _run.Replay();
        Assert.Equal(RunDriver.Id(62, 1), _run.Start("b", 2).ResumeFrom);

        var lost = other.Decide(RunDriver.JoinOf("b", 0, 1), _run.Now);
        foreach (var happened in lost.Events)
        {
            other.Apply(happened);
        }

        Assert.Equal(RunDriver.Id(60, 1), other.CurrentPlan!.ResumeFrom);
        Assert.Contains("62.1", other.CurrentPlan.Reason, StringComparison.Ordinal);
        Assert.Contains(other.ListIncidents(null, 10).Items, incident => incident.Kind == IncidentKind.RollbackMissed);
    }

    [Fact]
    public void WhatCannotBeRestored_IsRefused_AndChangesNothing()
    {
        _run.SealAll(66, 2);
        _run.Seal(70, 0);
        _run.Accepted(_run.ShardOf(RunDriver.Id(66, 1), 0));
        var before = RunDriver.BytesOf(_run.State);
        Assert.Contains("not whole", _run.Refused(Back("70"), ErrorCode.RestoreImpossible).Message, StringComparison.Ordinal);
        _run.Refused(Back("33"), ErrorCode.NotFound);
        _run.Refused(Back("20.7"), ErrorCode.NotFound);
        _run.Refused(Back("yesterday"), ErrorCode.InvalidRequest);
        _run.Refused(Back("latest", by: " "), ErrorCode.InvalidRequest);
        _run.Refused(Back("latest", by: new string('a', RunLimits.MaxActorLength + 1)), ErrorCode.LimitExceeded);
        _run.Refused(Back("latest", comment: new string('a', RunLimits.MaxReasonLength + 1)), ErrorCode.LimitExceeded);
        _run.Refused(new RollBack(Back("latest").Body with { Target = RunDriver.Id(60, 1) }), ErrorCode.CheckpointConflict);
        Assert.Equal(0, _run.Accepted(Back("20", dryRun: true)).Number);
        Assert.Equal(before, RunDriver.BytesOf(_run.State));
        Assert.Equal(
            ErrorCode.NotFound, new RunState(RunDriver.Run, new RunOptions()).Decide(Back("latest"), _run.Now).Refusal?.Code);
    }

    [Fact]
    public void AskedTwice_ItIsOneDecision_AndAnotherTargetReplacesOneThatIsPending()
    {
        var first = _run.Accepted(Back("20"));
        Assert.Empty(_run.Send(Back("20.1")).Events);
        Assert.Equal(first, _run.Accepted(Back("20")));

        // The way is cut already: what lies beyond it needs its full name.
        _run.Refused(Back("40"), ErrorCode.NotFound);
        Assert.Equal(2, _run.Accepted(Back("40.1")).Number);
        Assert.Equal(RunDriver.Id(40, 1), _run.Start("b", 2).ResumeFrom);
        Assert.Equal([null, new Attempt(2)], _run.State.ListRollbacks(null, 10).Items.Select(rollback => rollback.Granted));
    }

    [Fact]
    public void RanksThatWaitAtTheBarrier_ObeyIt()
    {
        _run.Join("b", 0, 2);
        _run.Accepted(Back("20"));
        Assert.Equal(RunDriver.Id(20, 1), _run.Join("b", 1, 2).Plan!.ResumeFrom);
    }

    [Fact]
    public void CheckpointThatWasComplete_IsCommittedAlsoAfterTheFence()
    {
        _run.SealAll(66, 2);
        _run.StoreAll(RunDriver.Id(66, 1), 2);
        _run.Accepted(Back("20"));
        _run.Accepted(new CompleteCommit(RunDriver.Id(66, 1)));
        _run.Start("b", 2);
        var late = _run.Checkpoint(RunDriver.Id(66, 1));
        Assert.Equal((CheckpointState.Committed, false), (late.State, late.OnLineage));
    }

    [Fact]
    public void Target_StaysRestorable_HoweverManyAreCommittedBeyondIt()
    {
        for (var step = 100; step < 100 + RunLimits.MaxDetailedCheckpoints - 4; step++)
        {
            _run.Commit(step, 2);
        }

        for (var step = 200; step < 203; step++)
        {
            _run.SealAll(step, 2);
            _run.StoreAll(RunDriver.Id(step, 1), 2);
        }

        _run.Accepted(Back("20"));
        for (var step = 200; step < 203; step++)
        {
            _run.Accepted(new CompleteCommit(RunDriver.Id(step, 1)));
        }

        _run.Memory.Clear();
        Assert.Equal(RunDriver.Id(20, 1), _run.Start("b", 2).ResumeFrom);

        // And what the new lineage may need is kept before what the old one had.
        _run.Commit(30, 2);
        _run.Commit(31, 2);
        _run.Accepted(new RecordVerification(RunDriver.Id(31, 2), RunDriver.Damaged()));
        _run.Accepted(new RecordVerification(RunDriver.Id(30, 2), RunDriver.Damaged()));
        _run.Memory.Clear();
        Assert.Equal(RunDriver.Id(20, 1), _run.Start("c", 2).ResumeFrom);
    }

    [Fact]
    public void Target_ThatIsForgotten_NeedsWhatItsManifestSays()
    {
        var manifest = _run.State.BuildManifest(RunDriver.Id(20, 1), 4096);
        for (var step = 100; step < 100 + RunLimits.MaxDetailedCheckpoints; step++)
        {
            _run.Commit(step, 2);
        }

        _run.Memory.Clear();
        Assert.Equal(RunDriver.Id(20, 1), RollbackTargets.FindForgotten(_run.State, "20"));
        Assert.Null(RollbackTargets.FindForgotten(_run.State, "latest"));
        _run.Refused(Back("20"), ErrorCode.RestoreImpossible);
        _run.Refused(Back("20") with { Recalled = RecalledShards.Of(manifest with { Step = new Step(40) }) }, ErrorCode.RestoreImpossible);
        _run.Accepted(Back("20", dryRun: true));

        _run.Accepted(Back("20") with { Recalled = RecalledShards.Of(manifest) });
        var plan = _run.Start("b", 2);
        Assert.Equal(RunDriver.Id(20, 1), plan.ResumeFrom);
        Assert.Equal(RunDriver.Image(1, 20).Root, plan.Images[1].Root);
        Assert.Equal(RunDriver.BytesOf(_run.State), RunDriver.BytesOf(_run.Replay()));
        Assert.Equal(manifest, _run.State.BuildManifest(RunDriver.Id(20, 1), 4096) with { Shards = manifest.Shards, Lineage = manifest.Lineage });
    }

    [Fact]
    public void Rollbacks_SurviveSnapshotAndReplay()
    {
        _run.Accepted(Back("20"));
        var (saved, entries) = (RunDriver.BytesOf(_run.State), _run.Journal.Count);
        _run.Start("b", 2);
        Assert.Equal(RunDriver.BytesOf(_run.State), RunDriver.BytesOf(_run.Replay()));
        Assert.Equal(RunDriver.BytesOf(_run.State), RunDriver.BytesOf(_run.Replay(saved, entries)));
    }

    private static RollBack Back(string to, string by = "ann", string? comment = null, bool dryRun = false) =>
        new(new RequestRollback { To = to, By = by, Comment = comment, DryRun = dryRun });

    private void SaveWithNan(long step)
    {
        var id = RunDriver.Id(step, 1);
        for (var rank = 0; rank < 2; rank++)
        {
            _run.Seal(step, rank, image: RunDriver.Image(rank, step, nans: rank));
            _run.Accepted(_run.ShardOf(id, rank, RunDriver.Image(rank, step, nans: rank)));
        }

        _run.Accepted(new CompleteCommit(id));
    }
}
