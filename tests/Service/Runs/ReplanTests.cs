using System.Text;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Events;

namespace Checkpointer.Service.Tests.Runs;

/// <summary>No rank trains before all have restored the same step, and what one can't restore, none does.</summary>
public sealed class ReplanTests
{
    private const int World = 4;
    private readonly RunDriver _run = new();

    /// <summary>Step 10 is committed, 20 is whole in memory, and so is 15; a second attempt is granted.</summary>
    public ReplanTests()
    {
        _run.Start("a", World);
        _run.Report(1, 20);
        _run.Commit(10, World);
        _run.SealAll(15, World, durable: false);
        _run.SealAll(20, World);
        _ = _run.Start("b", World);
    }

    private static CheckpointId First => RunDriver.Id(20, 1);

    [Fact]
    public void Ranks_WaitForEachOther_AndAreToldForWhom()
    {
        for (var rank = 0; rank < World - 1; rank++)
        {
            var result = _run.Accepted(Restored(rank));
            Assert.Equal((RestoreState.Pending, rank + 1), (result.State, result.RestoredRanks));
            Assert.Contains(new Rank(3), result.WaitingFor);
            Assert.DoesNotContain(new Rank(rank), result.WaitingFor);
        }

        Assert.Empty(_run.Send(Restored(1)).Events);
        Assert.Equal([new Rank(3)], _run.Accepted(Restored(1)).WaitingFor);
        var last = _run.Accepted(Restored(3));
        Assert.Equal((RestoreState.Confirmed, World), (last.State, last.RestoredRanks));
        Assert.Equal(RestoreState.Confirmed, _run.Accepted(Restored(0)).State);
        Assert.Empty(_run.Incidents);
        CheckReplay();
    }

    [Fact]
    public void RankWithoutSource_AllGetTheSameOlderPlan()
    {
        Assert.Equal(RestoreState.Pending, _run.Accepted(Restored(0)).State);
        var replaced = _run.Accepted(Failed(2));

        Assert.Equal(RestoreState.Replaced, replaced.State);
        var plan = replaced.Plan!;
        Assert.Equal((2, RunDriver.Id(15, 1)), (plan.Number, plan.ResumeFrom));
        Assert.Equal(World, plan.Images.Count);
        foreach (var rank in new[] { 0, 1, 3 })
        {
            var other = _run.Accepted(rank == 1 ? Failed(rank) : Restored(rank));
            Assert.Equal((RestoreState.Replaced, 2), (other.State, other.Plan!.Number));
            Assert.Equal(plan.ResumeFrom, other.Plan.ResumeFrom);
        }

        for (var rank = 0; rank < World; rank++)
        {
            var result = _run.Accepted(Restored(rank, plan));
            Assert.Equal(rank == World - 1 ? RestoreState.Confirmed : RestoreState.Pending, result.State);
        }

        Assert.Equal(RunDriver.Id(15, 1), _run.State.FindAttempt(new Attempt(2))!.ResumedFrom);
        Assert.Equal(new Attempt(2), _run.Attempt);
        CheckReplay();
    }

    [Fact]
    public void BadCopies_AreIncidents_AlsoOfRanksThatAreLate()
    {
        _run.Accepted(Failed(2));
        _run.Accepted(Failed(1));
        Assert.Empty(_run.Send(Failed(1)).Events);

        Assert.Equal([2, 1], _run.Incidents.Where(incident => incident.Kind == IncidentKind.CorruptCopy).Select(incident => incident.Ranks[0].Value));
        var replaced = Assert.Single(_run.Incidents, incident => incident.Kind == IncidentKind.PlanReplaced);
        Assert.Contains("all ranks restore 15.1 instead, by plan 2", replaced.Message, StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(1, _run.Incidents.Count), _run.Incidents.Select(incident => (int)incident.Number));
        CheckReplay();
    }

    [Fact]
    public void WhatFailed_IsNeverTriedAgain_UntilNothingIsLeft()
    {
        var second = _run.Accepted(Failed(2)).Plan!;
        var third = _run.Accepted(Failed(0, second)).Plan!;
        Assert.Equal((3, RunDriver.Id(10, 1)), (third.Number, third.ResumeFrom));
        Assert.All(third.Images, image => Assert.Contains(image.Sources, source => source.Tier == Tier.Storage));
        var impossible = _run.Accepted(Failed(3, third));

        Assert.Equal(RestoreState.Impossible, impossible.State);
        Assert.Contains("nothing older of this lineage is left", impossible.Reason, StringComparison.Ordinal);
        Assert.Equal(RestoreState.Impossible, _run.Accepted(Restored(0, third)).State);
        Assert.Equal(RestoreState.Replaced, _run.Accepted(Restored(0, second)).State);
        CheckReplay();
        Assert.Equal(RunDriver.Id(10, 1), _run.Start("c", World).ResumeFrom);
    }

    [Fact]
    public void Replan_MovesTheLineage_AndWhatAgentsAreTold()
    {
        Assert.Equal(First, _run.State.Progress!.GloballySealed);
        _run.Accepted(Failed(2));
        var progress = _run.State.Progress!;

        Assert.Equal((2, RunDriver.Id(15, 1), RunDriver.Id(15, 1)), (progress.Plan, progress.ResumedFrom, progress.GloballySealed));
        Assert.True(progress.IsGivenUp(First));
        Assert.False(progress.IsGivenUp(RunDriver.Id(15, 1)));
        Assert.Equal(CheckpointState.Abandoned, _run.Checkpoint(First).State);
        Assert.Equal(RunDriver.Id(10, 1), _run.State.Summarise().Committed);
        Assert.Equal(new Step(15), _run.State.Summarise().LedgerStep);
        for (var rank = 0; rank < World; rank++)
        {
            _run.Accepted(Restored(rank, _run.State.CurrentPlan));
        }

        Assert.Equal(new Step(16), _run.Report(16, 16).LedgerStep);
        CheckReplay();
    }

    [Fact]
    public void FailureOfTheRanksOwn_BringsNoOtherPlan()
    {
        var result = _run.Accepted(new RecordRestore(Failed(2).Body with { NoSourceLeft = false }));

        Assert.Equal(RestoreState.Impossible, result.State);
        Assert.Equal(First, _run.State.CurrentPlan!.ResumeFrom);
        Assert.Equal([new Rank(1), new Rank(2), new Rank(3)], _run.Accepted(Restored(0)).WaitingFor);
        Assert.Equal(RestoreState.Pending, _run.Accepted(Restored(2)).State);
    }

    [Fact]
    public void AfterAllHaveRestored_NothingIsReplaced()
    {
        for (var rank = 0; rank < World; rank++)
        {
            _run.Accepted(Restored(rank));
        }

        Assert.Equal(RestoreState.Impossible, _run.Accepted(Failed(2)).State);
        Assert.Equal(First, _run.State.CurrentPlan!.ResumeFrom);
        Assert.Equal(RestoreState.Confirmed, _run.Accepted(Restored(2)).State);
    }

    [Fact]
    public void RankThatTrainedAlready_BringsNoOtherPlan()
    {
        _run.Report(21, 21);
        Assert.Equal(RestoreState.Impossible, _run.Accepted(Failed(2)).State);
        Assert.Equal(First, _run.State.CurrentPlan!.ResumeFrom);
    }

    [Fact]
    public void RestoredRankThatLosesItsCopyBeforeAllAreThere_StillReplans()
    {
        Assert.Equal(RestoreState.Pending, _run.Accepted(Restored(2)).State);
        Assert.Equal(RestoreState.Replaced, _run.Accepted(Failed(2)).State);
        CheckReplay();
    }

    [Fact]
    public void NewerGrant_EndsTheBarrier()
    {
        _run.Accepted(Failed(2));
        var stale = Restored(0);
        Assert.Equal(RunDriver.Id(15, 1), _run.Start("c", World).ResumeFrom);
        _run.Refused(stale, ErrorCode.StaleAttempt);
        Assert.Equal(1, _run.State.CurrentPlan!.Number);
    }

    [Fact]
    public void NextAttempt_MayResumeFromWhatTheLastOneCouldNotReach()
    {
        for (var rank = 0; rank < World; rank++)
        {
            _run.Accepted(Restored(rank));
        }

        var newest = _run.Commit(30, World);
        Assert.Equal(newest, _run.Start("c", World).ResumeFrom);
        Assert.Equal(First, _run.Accepted(Failed(0, _run.State.CurrentPlan)).Plan!.ResumeFrom);

        // It trained on nothing, so the store, which was away for a minute, has the newest step of the lineage still.
        Assert.Equal(newest, _run.Start("d", World).ResumeFrom);
        Assert.Equal(First, _run.Accepted(Failed(0, _run.State.CurrentPlan)).Plan!.ResumeFrom);
        for (var rank = 0; rank < World; rank++)
        {
            _run.Accepted(Restored(rank, _run.State.CurrentPlan));
        }

        // Once all have restored, the newer one is left behind for good.
        Assert.Equal(First, _run.Start("e", World).ResumeFrom);
        CheckReplay();
    }

    [Fact]
    public void ReportsOfPlansThatAreNot_AreRefused()
    {
        _run.Refused(new RecordRestore(Restored(0).Body with { Plan = 2 }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordRestore(Restored(0).Body with { Plan = 0 }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordRestore(Restored(0).Body with { WaitMs = 30_001 }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordRestore(Restored(0).Body with { WaitMs = -1 }), ErrorCode.InvalidRequest);
    }

    [Fact]
    public void OffLineageCheckpoints_AreNeverChosen()
    {
        // Attempt 2 goes on from 20 and commits 30; then node-1 loses its memory and 30 is left behind by attempt 3.
        for (var rank = 0; rank < World; rank++)
        {
            _run.Accepted(Restored(rank));
        }

        _run.Commit(30, World);
        var plan = _run.Start("c", World);
        Assert.Equal(RunDriver.Id(30, 2), plan.ResumeFrom);
        var second = _run.Accepted(Failed(1, plan)).Plan!;
        Assert.Equal(First, second.ResumeFrom);
        var third = _run.Accepted(Failed(1, second)).Plan!;
        Assert.Equal(RunDriver.Id(15, 1), third.ResumeFrom);
        Assert.Equal(RunDriver.Id(10, 1), _run.Accepted(Failed(1, third)).Plan!.ResumeFrom);
        CheckReplay();
    }

    [Fact]
    public void EventsOfOlderPrograms_StillReplay()
    {
        // As written before there was a barrier: no plan, no wait.
        const string old = """
            {"run":"sft-demo","events":[{"type":"restore_recorded","report":{"attempt":2,"rank":1,"node":"node-0","checkpoint":{"step":20,"attempt":1},"succeeded":true,"local_memory_bytes":1000,"peer_memory_bytes":0,"storage_bytes":0,"restore_ms":3,"faults":[]},"at":"2026-01-02T03:04:05.1+00:00"}]}
            """;
        foreach (var happened in RunEventCodec.Decode(Encoding.UTF8.GetBytes(old)).Events)
        {
            _run.State.Apply(happened);
        }

        Assert.Equal(1, _run.State.Attempts.RestoredRanks);
        Assert.DoesNotContain(new Rank(1), _run.Accepted(Restored(0)).WaitingFor);
    }

    [Fact]
    public void NewEvents_ReadAsWritten()
    {
        _run.Accepted(Failed(2));
        var events = _run.Journal.SelectMany(entry => RunEventCodec.Decode(entry).Events).ToList();
        Assert.Equal((2, First), (events.OfType<AttemptReplanned>().Single().Number, events.OfType<AttemptReplanned>().Single().Failed));
        Assert.Contains("\"type\":\"attempt_replanned\"", Encoding.UTF8.GetString(_run.Journal[^1]), StringComparison.Ordinal);
    }

    private RecordRestore Restored(int rank, RecoveryPlan? plan = null) => new(new RestoreReport
    {
        Attempt = _run.Attempt,
        Rank = new Rank(rank),
        Node = RunDriver.NodeOf(rank),
        Checkpoint = plan?.ResumeFrom ?? First,
        Plan = plan?.Number ?? 1,
        Succeeded = true,
        WaitMs = 1000,
        LocalMemoryBytes = 1000,
        PeerMemoryBytes = 0,
        StorageBytes = 0,
        RestoreMs = 3,
        Faults = [],
    });

    private RecordRestore Failed(int rank, RecoveryPlan? plan = null) => new(Restored(rank, plan).Body with
    {
        Succeeded = false,
        NoSourceLeft = true,
        Faults = [RunDriver.Fault($"chunk 3 of rank {rank} does not hash to what was sealed")],
    });

    // Invariant 8: also from a snapshot in the midst, a restarted service knows the same and answers the same.
    private void CheckReplay()
    {
        var now = RunDriver.BytesOf(_run.State);
        Assert.Equal(now, RunDriver.BytesOf(_run.Replay()));
        Assert.Equal(now, RunDriver.BytesOf(_run.Replay(now, _run.Journal.Count)));
        for (var entries = 1; entries < _run.Journal.Count; entries += 5)
        {
            var early = new RunState(RunDriver.Run, new RunOptions());
            foreach (var happened in _run.Journal.Take(entries).SelectMany(entry => RunEventCodec.Decode(entry).Events))
            {
                early.Apply(happened);
            }

            Assert.Equal(now, RunDriver.BytesOf(_run.Replay(RunDriver.BytesOf(early), entries)));
        }
    }
}
