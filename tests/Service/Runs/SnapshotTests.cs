using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Commands;

namespace Checkpointer.Service.Tests.Runs;

public sealed class SnapshotTests
{
    private const int World = 3;
    private readonly RunDriver _run = new();

    public SnapshotTests() => _run.Start("a", World);

    [Fact]
    public void Sealed_ByEveryRank_IsGlobal()
    {
        _run.Seal(10, 0, durable: false);
        _run.Seal(10, 2, durable: false);
        Assert.Null(_run.State.Progress!.GloballySealed);
        _run.Seal(10, 1, durable: false);

        Assert.Equal(RunDriver.Id(10, 1), _run.State.Progress.GloballySealed);
        Assert.Equal(RunDriver.Id(10, 1), _run.State.Summarise().GloballySealed);
        Assert.Empty(_run.State.ListCheckpoints(null, 10).Items);
    }

    [Fact]
    public void Sealed_Repeated_CountsOnceAndOtherBytesConflict()
    {
        _run.Seal(10, 0);
        Assert.Empty(_run.Send(_run.SealOf(10, 0)).Events);
        _run.Refused(_run.SealOf(10, 0, image: RunDriver.Image(0, 10, salt: 1)), ErrorCode.CheckpointConflict);
        _run.Refused(_run.RefusalOf(10, 0), ErrorCode.CheckpointConflict);
        _run.Seal(10, 1);

        Assert.Equal(2, _run.Checkpoint(RunDriver.Id(10, 1)).SealedRanks);
        Assert.Null(_run.State.Progress!.GloballySealed);
    }

    [Fact]
    public void Discarded_AfterTheSeal_AbandonsOnlyTheCheckpoint()
    {
        var id = RunDriver.Id(10, 1);
        for (var rank = 0; rank < World; rank++)
        {
            _run.Seal(10, rank);
        }

        var discarded = _run.RefusalOf(10, 1, outcome: SnapshotOutcome.Discarded);
        _run.Accepted(discarded);

        Assert.Equal(id, _run.State.Progress!.GloballySealed);
        var abandoned = _run.Checkpoint(id);
        Assert.Equal(CheckpointState.Abandoned, abandoned.State);
        Assert.Contains("rank 1 on node", abandoned.Reason, StringComparison.Ordinal);
        Assert.Equal(IncidentKind.CheckpointAbandoned, Assert.Single(_run.Incidents).Kind);
        Assert.Empty(_run.Send(discarded).Events);
    }

    [Theory]
    [InlineData(SnapshotOutcome.Refused)]
    [InlineData(SnapshotOutcome.Discarded)]
    public void Refused_ByAnyRank_IsGivenUpForAll(SnapshotOutcome outcome)
    {
        var id = RunDriver.Id(10, 1);
        _run.Seal(10, 0);
        _run.Accepted(_run.RefusalOf(10, 2, outcome: outcome));

        Assert.Equal([id], _run.State.Progress!.GivenUp);
        var incident = Assert.Single(_run.Incidents);
        Assert.Equal(IncidentKind.SnapshotRefused, incident.Kind);
        Assert.Equal([2], incident.Ranks.Select(rank => rank.Value));
        Assert.Contains("node-1", incident.Message, StringComparison.Ordinal);
        Assert.Contains("no free slot", incident.Message, StringComparison.Ordinal);
        var abandoned = _run.Checkpoint(id);
        Assert.Equal(CheckpointState.Abandoned, abandoned.State);
        Assert.Equal([2], abandoned.MissingRanks.Select(rank => rank.Value));

        Assert.Empty(_run.Send(_run.SealOf(10, 1)).Events);
        Assert.Empty(_run.Send(_run.RefusalOf(10, 1)).Events);
        _run.Refused(_run.ShardOf(id, 0), ErrorCode.CheckpointConflict);
        Assert.Null(_run.State.Progress.GloballySealed);
    }

    [Fact]
    public void Sealed_ByARankThatLeftOlderStepsOut_GivesThoseUpForAll()
    {
        _run.Seal(10, 0);
        _run.Seal(20, 0, durable: false);
        _run.Seal(10, 1);
        _run.Seal(30, 1);

        Assert.Equal([RunDriver.Id(20, 1)], _run.State.Progress!.GivenUp);
        _run.Seal(30, 2);
        Assert.Equal([RunDriver.Id(20, 1), RunDriver.Id(10, 1)], _run.State.Progress.GivenUp);
        var abandoned = _run.Checkpoint(RunDriver.Id(10, 1));
        Assert.Equal(CheckpointState.Abandoned, abandoned.State);
        Assert.Equal([2], abandoned.MissingRanks.Select(rank => rank.Value));
        Assert.Contains("rank 2 on node", abandoned.Reason, StringComparison.Ordinal);
        Assert.All(_run.Incidents, incident => Assert.Equal(IncidentKind.SnapshotRefused, incident.Kind));
        Assert.Empty(_run.Send(_run.SealOf(10, 2)).Events);

        _run.Seal(30, 0);
        Assert.Equal(RunDriver.Id(30, 1), _run.State.Progress.GloballySealed);
        Assert.Equal(CheckpointState.Saving, _run.Checkpoint(RunDriver.Id(30, 1)).State);
    }

    [Fact]
    public void Sealed_OfAStepThatWasGivenUp_StillTellsThatTheRankWentOn()
    {
        _run.Seal(10, 0);
        _run.Accepted(_run.RefusalOf(20, 0));
        _run.Seal(20, 1);

        Assert.Equal([RunDriver.Id(20, 1), RunDriver.Id(10, 1)], _run.State.Progress!.GivenUp);
        Assert.Empty(_run.Send(_run.SealOf(20, 1)).Events);
    }

    [Fact]
    public void Sealed_ToldOfAfterAnotherRankWentOn_IsGivenUp()
    {
        _run.Seal(30, 2);
        _run.Seal(20, 1);
        Assert.Equal([RunDriver.Id(20, 1)], _run.State.Progress!.GivenUp);
        Assert.Equal([2], Assert.Single(_run.Incidents).Ranks.Select(rank => rank.Value));
        Assert.Equal(CheckpointState.Abandoned, _run.Checkpoint(RunDriver.Id(20, 1)).State);

        _run.Seal(30, 0);
        _run.Seal(30, 1);
        Assert.Equal(RunDriver.Id(30, 1), _run.State.Progress.GloballySealed);
    }

    [Fact]
    public void Refused_BeforeAnyOtherReport_IsListedAsAbandonedIfDurable()
    {
        _run.Accepted(_run.RefusalOf(10, 0));
        _run.Accepted(_run.RefusalOf(20, 0, durable: false));

        Assert.Equal(CheckpointState.Abandoned, _run.Checkpoint(RunDriver.Id(10, 1)).State);
        Assert.Null(_run.State.FindCheckpoint(RunDriver.Id(20, 1)));
        _run.Refused(_run.ShardOf(RunDriver.Id(20, 1), 1), ErrorCode.CheckpointConflict);
        Assert.Equal([RunDriver.Id(10, 1), RunDriver.Id(20, 1)], _run.State.Progress!.GivenUp);
    }

    [Fact]
    public void GloballySealed_StaysTheNewest()
    {
        _run.SealAll(10, World);
        _run.Seal(20, 0);
        _run.Accepted(_run.RefusalOf(20, 1));
        Assert.Equal(RunDriver.Id(10, 1), _run.State.Progress!.GloballySealed);

        _run.SealAll(30, World);
        Assert.Equal(RunDriver.Id(30, 1), _run.State.Progress.GloballySealed);
        Assert.Empty(_run.Send(_run.SealOf(10, 1)).Events);
    }

    [Fact]
    public void NonFinite_IsTwoIncidentsAtMost()
    {
        _run.Seal(10, 0, image: RunDriver.Image(0, 10, nans: 4));
        _run.Seal(10, 1, image: RunDriver.Image(1, 10, nans: 5));
        _run.Seal(10, 2);
        _run.SealAll(20, World);

        Assert.All(_run.Incidents, incident => Assert.Equal(IncidentKind.NonFiniteState, incident.Kind));
        Assert.Equal([[0], [0, 1]], _run.Incidents.Select(incident => incident.Ranks.Select(rank => rank.Value)));
        Assert.Contains("layer.weight", _run.Incidents[0].Message, StringComparison.Ordinal);
        Assert.Equal(RunDriver.Id(20, 1), _run.State.Progress!.GloballySealed);
    }

    [Fact]
    public void NewAttempt_GivesUpAllButWhatItResumes()
    {
        _run.SealAll(10, World);
        _run.SealAll(20, World);
        _run.Seal(30, 1);
        _run.Start("b", World);

        var progress = _run.State.Progress!;
        Assert.Equal(RunDriver.Id(20, 1), progress.ResumedFrom);
        Assert.Equal(RunDriver.Id(20, 1), progress.GloballySealed);
        Assert.Contains(RunDriver.Id(30, 1), progress.GivenUp);
        Assert.DoesNotContain(RunDriver.Id(20, 1), progress.GivenUp);
    }

    [Fact]
    public void NewAttempt_FromStorage_HasNothingGloballySealedYet()
    {
        _run.Commit(10, World);
        _run.Memory.Remove("node-1");
        _run.Start("b", World);

        Assert.Equal(RunDriver.Id(10, 1), _run.State.Progress!.ResumedFrom);
        Assert.Null(_run.State.Progress.GloballySealed);
    }

    [Fact]
    public void NewAttempt_FromASnapshotProvenByHoldingsAlone_HasItGloballySealed()
    {
        _run.Seal(10, 0);
        _run.Hold(1, RunDriver.Id(10, 1), RunDriver.Image(1, 10));
        _run.Hold(2, RunDriver.Id(10, 1), RunDriver.Image(2, 10));
        _run.Start("b", World);

        Assert.Equal(RunDriver.Id(10, 1), _run.State.Progress!.ResumedFrom);
        Assert.Equal(RunDriver.Id(10, 1), _run.State.Progress.GloballySealed);
        _run.Refused(_run.ShardOf(RunDriver.Id(10, 1), 2, RunDriver.Image(2, 10, salt: 3)), ErrorCode.CheckpointConflict);
        Assert.Equal(1, _run.Accepted(_run.ShardOf(RunDriver.Id(10, 1), 2)).DurableShards);
    }

    [Fact]
    public void Reports_OfStepsNotAfterTheResumedOne_AreOutOfOrder()
    {
        _run.SealAll(10, World);
        _run.Start("b", World);

        _run.Refused(_run.SealOf(10, 0), ErrorCode.StepOutOfOrder);
        _run.Refused(_run.RefusalOf(9, 0), ErrorCode.StepOutOfOrder);
        _run.Refused(_run.ShardOf(RunDriver.Id(10, 2), 0), ErrorCode.StepOutOfOrder);
    }

    [Fact]
    public void Reports_OfAnOldAttempt_AreStale()
    {
        var (seal, refusal) = (_run.SealOf(10, 0), _run.RefusalOf(11, 0));
        _run.Start("b", World);

        _run.Refused(seal, ErrorCode.StaleAttempt);
        _run.Refused(refusal, ErrorCode.StaleAttempt);
        _run.Refused(new RecordSnapshot(seal.Body with { Attempt = new Attempt(3) }), ErrorCode.StaleAttempt);
    }

    [Fact]
    public void OpenSnapshots_BeyondTheLimit_GiveUpTheOldest()
    {
        for (var step = 1; step <= RunLimits.MaxOpenSnapshots; step++)
        {
            _run.Seal(step, 0, durable: false);
        }

        Assert.Empty(_run.State.Progress!.GivenUp);
        _run.Seal(RunLimits.MaxOpenSnapshots + 1, 0, durable: false);

        Assert.Equal([RunDriver.Id(1, 1)], _run.State.Progress.GivenUp);
        Assert.Equal(RunLimits.MaxOpenSnapshots, _run.State.Snapshots.Records.Count);
        Assert.Equal([1], Assert.Single(_run.Incidents).Ranks.Select(rank => rank.Value));
    }

    [Fact]
    public void OpenSnapshots_BeyondTheLimit_SpareWhatTheAttemptResumedFrom()
    {
        _run.Seal(10, 0);
        _run.StoreAll(RunDriver.Id(10, 1), World);
        _run.Accepted(new CompleteCommit(RunDriver.Id(10, 1)));
        _run.Memory.Clear();
        _run.Start("b", World);
        Assert.False(_run.State.Snapshots.Find(RunDriver.Id(10, 1))!.IsGlobal);
        for (var step = 11; step <= 11 + RunLimits.MaxOpenSnapshots; step++)
        {
            _run.Seal(step, 0, durable: false);
        }

        Assert.Equal([RunDriver.Id(11, 2)], _run.State.Progress!.GivenUp);
    }

    [Fact]
    public void GivenUp_ListsTheNewest()
    {
        for (var step = 1; step <= RunLimits.MaxGivenUp + 1; step++)
        {
            _run.Accepted(_run.RefusalOf(step, 0, durable: false));
        }

        Assert.Equal(RunLimits.MaxGivenUp, _run.State.Progress!.GivenUp.Count);
        Assert.Equal(RunDriver.Id(2, 1), _run.State.Progress.GivenUp[0]);
        Assert.True(_run.State.Progress.IsGivenUp(RunDriver.Id(1, 1)));
        Assert.False(_run.State.Progress.IsGivenUp(RunDriver.Id(RunLimits.MaxGivenUp + 2, 1)));

        // Whoever tells of it only now learns that it came too late.
        _run.Seal(1, 1, durable: false);
        Assert.True(_run.State.Progress.IsGivenUp(RunDriver.Id(1, 1)));
    }

    [Fact]
    public void GivenUp_MoreThanAreListed_NeverTakesWhatMayStillBecomeGlobal()
    {
        _run.Seal(3, 1, durable: false);
        foreach (var step in Enumerable.Range(1, RunLimits.MaxGivenUp + 10).Where(step => step != 3))
        {
            _run.Accepted(_run.RefusalOf(step, 0, durable: false));
        }

        Assert.True(_run.State.Progress!.IsGivenUp(RunDriver.Id(2, 1)));
        Assert.False(_run.State.Progress.IsGivenUp(RunDriver.Id(3, 1)));

        _run.Seal(3, 0, durable: false);
        _run.Seal(3, 2, durable: false);
        Assert.Equal(RunDriver.Id(3, 1), _run.State.Progress.GloballySealed);
        Assert.False(_run.State.Progress.IsGivenUp(RunDriver.Id(3, 1)));
        Assert.True(_run.State.Progress.IsGivenUp(RunDriver.Id(5, 1)));
    }

    [Fact]
    public void Report_Malformed_IsInvalid()
    {
        var seal = _run.SealOf(10, 0).Body;
        var refusal = _run.RefusalOf(10, 0).Body;
        _run.Refused(new RecordSnapshot(seal with { Image = null }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordSnapshot(seal with { Step = new Step(0) }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordSnapshot(seal with { Node = "a/b" }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordSnapshot(seal with { Rank = new Rank(World) }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordSnapshot(seal with { Outcome = (SnapshotOutcome)9 }), ErrorCode.InvalidRequest);
        _run.Refused(
            new RecordSnapshot(refusal with { Reason = new string('x', RunLimits.MaxReasonLength + 1) }), ErrorCode.LimitExceeded);
        _run.Refused(
            new RecordSnapshot(seal with
            {
                Image = seal.Image! with { NonFiniteTensors = [.. Enumerable.Repeat("t", RunLimits.MaxNonFiniteTensors + 1)] },
            }),
            ErrorCode.LimitExceeded);
        _run.Accepted(new RecordSnapshot(refusal with { Reason = new string('x', RunLimits.MaxReasonLength) }));
    }
}
