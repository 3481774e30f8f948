using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Commands;

namespace Checkpointer.Service.Tests.Runs;

public sealed class VerificationTests
{
    private const int World = 2;
    private static readonly CheckpointId Id = RunDriver.Id(10, 1);
    private readonly RunDriver _run = new();

    public VerificationTests()
    {
        _run.Start("a", World);
        _run.Commit(10, World);
    }

    [Fact]
    public void Good_IsShown_AndIsNoIncident()
    {
        Assert.Null(_run.Checkpoint(Id).Verification);
        var now = _run.Now;

        _run.Accepted(new RecordVerification(Id, RunDriver.Verified()));

        Assert.Equal(now, _run.Checkpoint(Id).Verification!.At);
        Assert.Equal(VerificationOutcome.Good, _run.Checkpoint(Id).Verification!.Report.Outcome);
        Assert.Empty(_run.Incidents);
    }

    [Fact]
    public void Damaged_IsOneIncident_UntilItWasGoodAgain()
    {
        _run.Accepted(new RecordVerification(Id, RunDriver.Damaged()));
        _run.Accepted(new RecordVerification(Id, RunDriver.Damaged(VerifiedBy.Operator)));
        _run.Accepted(new RecordVerification(Id, RunDriver.Unreadable()));
        _run.Accepted(new RecordVerification(Id, RunDriver.Damaged()));

        var incident = Assert.Single(_run.Incidents);
        Assert.Equal((IncidentKind.CheckpointDamaged, Id.Step, Id.Attempt), (incident.Kind, incident.Step, incident.Attempt));
        Assert.Equal([new Rank(0)], incident.Ranks);
        Assert.Contains("the scrub found it", incident.Message, StringComparison.Ordinal);
        Assert.Contains("000000-000000.pack' has 1 chunk that is not what was sealed", incident.Message, StringComparison.Ordinal);
        Assert.Contains("rank 0, tensors layer.weight", incident.Message, StringComparison.Ordinal);

        _run.Accepted(new RecordVerification(Id, RunDriver.Verified()));
        _run.Accepted(new RecordVerification(Id, RunDriver.Damaged()));

        Assert.Equal(2, _run.Incidents.Count);
    }

    [Fact]
    public void Incomplete_NeverReplacesOneThatKnowsMore()
    {
        _run.Accepted(new RecordVerification(Id, RunDriver.Unreadable()));
        Assert.Equal(VerificationOutcome.Incomplete, _run.Checkpoint(Id).Verification!.Report.Outcome);
        _run.Accepted(new RecordVerification(Id, RunDriver.Verified()));

        var decision = _run.Send(new RecordVerification(Id, RunDriver.Unreadable()));

        Assert.Empty(decision.Events);
        Assert.Equal(VerificationOutcome.Good, _run.Checkpoint(Id).Verification!.Report.Outcome);
    }

    [Fact]
    public void NotCommitted_IsNotFound()
    {
        _run.SealAll(20, World);

        _run.Refused(new RecordVerification(RunDriver.Id(20, 1), RunDriver.Verified()), ErrorCode.NotFound);
        _run.Refused(new RecordVerification(RunDriver.Id(30, 1), RunDriver.Verified()), ErrorCode.NotFound);
        Assert.Equal(
            ErrorCode.NotFound,
            new RunState(RunId.Parse("unknown"), new RunOptions()).Decide(new RecordVerification(Id, RunDriver.Verified()), _run.Now).Refusal!.Code);
    }

    [Fact]
    public void Kept_AcrossReplayAndSnapshot()
    {
        _run.Accepted(new RecordVerification(Id, RunDriver.Damaged()));
        var saved = RunDriver.BytesOf(_run.State);

        Assert.Equal(saved, RunDriver.BytesOf(_run.Replay()));
        var fromSnapshot = _run.Replay(saved, _run.Journal.Count);
        Assert.Equal(saved, RunDriver.BytesOf(fromSnapshot));
        Assert.All(
            [_run.Replay(), fromSnapshot],
            state => Assert.Equal(["layer.weight"], Assert.Single(state.FindCheckpoint(Id)!.Verification!.Report.Findings).Tensors));
    }

    [Fact]
    public void Findings_AreKeptOfTheNewestVerifications()
    {
        var ids = Enumerable.Range(0, RunLimits.MaxDetailedVerifications).Select(i => _run.Commit(100 + i, World)).ToList();
        _run.Accepted(new RecordVerification(Id, RunDriver.Damaged()));
        ids.ForEach(id => _run.Accepted(new RecordVerification(id, RunDriver.Damaged())));

        var oldest = _run.Checkpoint(Id).Verification!.Report;

        Assert.Equal((VerificationOutcome.Damaged, 1), (oldest.Outcome, oldest.FindingCount));
        Assert.Empty(oldest.Findings);
        Assert.All(ids, id => Assert.Single(_run.Checkpoint(id).Verification!.Report.Findings));
    }

    [Fact]
    public void Limits_HoldAtN_AndRefuseMore()
    {
        var full = RunDriver.Finding(VerificationFindingKind.Missing) with
        {
            // Each of these is six bytes in the journal's JSON.
            Detail = new string('<', VerificationFinding.MaxDetailLength),
            Tensors = [.. Enumerable.Repeat(new string('<', RunLimits.MaxTensorNameLength), VerificationFinding.MaxTensors)],
            TensorCount = VerificationFinding.MaxTensors,
            Ranks = [.. Enumerable.Repeat(new Rank(1), VerificationFinding.MaxRanks)],
            RankCount = VerificationFinding.MaxRanks,
        };
        VerificationReport Report(VerificationFinding finding, int count = VerificationReport.MaxFindings) => RunDriver.Damaged() with
        {
            Findings = [.. Enumerable.Repeat(finding, count)],
            FindingCount = 1_000_000,
            Stopped = new string('<', VerificationReport.MaxStoppedLength),
        };

        _run.Accepted(new RecordVerification(Id, Report(full)));

        Refused(Report(full, VerificationReport.MaxFindings + 1));
        Refused(Report(full) with { Stopped = new string('x', VerificationReport.MaxStoppedLength + 1) });
        Refused(Report(full with { Detail = full.Detail + "x" }));
        Refused(Report(full with { Tensors = [.. full.Tensors, "x"], TensorCount = 100 }));
        Refused(Report(full with { Tensors = [full.Tensors[0] + "x"] }));
        Refused(Report(full with { Ranks = [.. full.Ranks, new Rank(0)], RankCount = 100 }));

        void Refused(VerificationReport body) => _run.Refused(new RecordVerification(Id, body), ErrorCode.LimitExceeded);
    }

    public static TheoryData<string> Impossible => new(
        "negative bytes", "endless seconds", "fewer findings than listed", "good with findings", "damaged without damage",
        "incomplete with damage", "incomplete with nothing", "key with path tricks", "rank beyond the world");

    [Theory]
    [MemberData(nameof(Impossible))]
    public void WhatCannotBe_IsInvalid(string what)
    {
        var finding = RunDriver.Finding(VerificationFindingKind.Corrupt);
        var body = what switch
        {
            "negative bytes" => RunDriver.Verified() with { Bytes = -1 },
            "endless seconds" => RunDriver.Verified() with { Seconds = double.PositiveInfinity },
            "fewer findings than listed" => RunDriver.Damaged() with { FindingCount = 0 },
            "good with findings" => RunDriver.Damaged() with { Outcome = VerificationOutcome.Good },
            "damaged without damage" => RunDriver.Unreadable() with { Outcome = VerificationOutcome.Damaged },
            "incomplete with damage" => RunDriver.Damaged() with { Outcome = VerificationOutcome.Incomplete },
            "incomplete with nothing" => RunDriver.Verified() with { Outcome = VerificationOutcome.Incomplete },
            "key with path tricks" => RunDriver.Damaged() with { Findings = [finding with { Key = "runs/../../etc" }] },
            _ => RunDriver.Damaged() with { Findings = [finding with { Ranks = [new Rank(World)] }] },
        };

        _run.Refused(new RecordVerification(Id, body), ErrorCode.InvalidRequest);
        Assert.Null(_run.Checkpoint(Id).Verification);
    }
}
