using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Commands;

namespace Checkpointer.Service.Tests.Runs;

public sealed class RestoreTests
{
    private readonly RunDriver _run = new();

    public RestoreTests()
    {
        _run.Start("a", 2);
        _run.SealAll(10, 2);
        _run.Start("b", 2);
    }

    [Fact]
    public void Restores_AreKeptOnTheAttemptOncePerRank()
    {
        _run.Accepted(RestoreOf(1));
        _run.Accepted(RestoreOf(0));
        Assert.Empty(_run.Send(RestoreOf(1)).Events);
        Assert.Empty(_run.Send(new RecordRestore(RestoreOf(1).Body with { RestoreMs = 9 })).Events);

        var restores = _run.State.FindAttempt(_run.Attempt)!.Restores;
        Assert.Equal([0, 1], restores.Select(restore => restore.Rank.Value));
        Assert.Empty(_run.Incidents);
    }

    [Fact]
    public void Failure_IsToldAndMayTurnToSuccess()
    {
        _run.Accepted(new RecordRestore(RestoreOf(1).Body with
        {
            Succeeded = false,
            Faults = [RunDriver.Fault("store unavailable", CopyFaultKind.Unreachable)],
        }));
        var refused = Assert.Single(_run.Incidents);
        Assert.Equal(IncidentKind.SnapshotRefused, refused.Kind);
        Assert.Contains("store unavailable", refused.Message, StringComparison.Ordinal);

        _run.Accepted(RestoreOf(1));
        Assert.True(Assert.Single(_run.State.FindAttempt(_run.Attempt)!.Restores).Succeeded);
    }

    [Theory]
    [InlineData(CopyFaultKind.Corrupt, true)]
    [InlineData(CopyFaultKind.Missing, false)]
    [InlineData(CopyFaultKind.Unreachable, false)]
    [InlineData(CopyFaultKind.Other, false)]
    public void Fault_OnTheWayToSuccess_IsAnIncidentOnlyIfBytesWereWrong(CopyFaultKind kind, bool isIncident)
    {
        _run.Accepted(new RecordRestore(RestoreOf(0).Body with { Faults = [RunDriver.Fault("chunk 3", kind)] }));
        Assert.Equal(isIncident, _run.Incidents.Count == 1);
        Assert.All(_run.Incidents, incident => Assert.Equal(
            (IncidentKind.CorruptCopy, "node-1", new Step(10)), (incident.Kind, incident.Node, incident.Step!.Value)));

        // Whatever it was, the attempt's record has it.
        Assert.Equal(kind, Assert.Single(_run.State.FindAttempt(_run.Attempt)!.Restores[0].Faults).Kind);
        Assert.Equal(RunDriver.BytesOf(_run.State), RunDriver.BytesOf(_run.Replay()));
    }

    [Fact]
    public void Faults_OfSeveralKinds_TheIncidentNamesTheCorruptAndTheirNode()
    {
        _run.Accepted(new RecordRestore(RestoreOf(0).Body with
        {
            Faults =
            [
                RunDriver.Fault("agent away", CopyFaultKind.Unreachable, "node-7"), RunDriver.Fault("chunk 3"), RunDriver.Fault("chunk 5"),
            ],
        }));
        _run.Accepted(new RecordRestore(RestoreOf(1).Body with { Faults = [RunDriver.Fault("chunk 3"), RunDriver.Fault("pack 0", node: null)] }));
        Assert.Equal(["node-1", null], _run.Incidents.Select(incident => incident.Node));
        Assert.EndsWith("met bad copies while restoring 10.1: chunk 3; chunk 5", _run.Incidents[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Restores_ThatCannotBe_AreRefused()
    {
        var restore = RestoreOf(0).Body;
        _run.Refused(new RecordRestore(restore with { Attempt = new Attempt(1) }), ErrorCode.StaleAttempt);
        _run.Refused(new RecordRestore(restore with { Checkpoint = RunDriver.Id(9, 1) }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordRestore(restore with { Rank = new Rank(2) }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordRestore(restore with { RestoreMs = -1 }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordRestore(restore with { Faults = null! }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordRestore(restore with { Faults = [null!] }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordRestore(restore with { Faults = [RunDriver.Fault("f", node: "no node")] }), ErrorCode.InvalidRequest);
        _run.Refused(
            new RecordRestore(restore with { Faults = [RunDriver.Fault(new string('f', RunLimits.MaxFaultLength + 1))] }), ErrorCode.LimitExceeded);
        _run.Refused(
            new RecordRestore(restore with { Faults = [.. Enumerable.Repeat(RunDriver.Fault("f"), RunLimits.MaxFaults + 1)] }),
            ErrorCode.LimitExceeded);
        Assert.Empty(_run.State.FindAttempt(_run.Attempt)!.Restores);
    }

    [Fact]
    public void OldAttempts_KeepWhatTheyResumedFromButNotTheirMembers()
    {
        _run.Accepted(RestoreOf(0));
        for (var i = 0; i < RunLimits.MaxDetailedAttempts; i++)
        {
            _run.Start($"n{i}", 2);
        }

        var old = _run.State.FindAttempt(new Attempt(2))!;
        Assert.Empty(old.Nodes);
        Assert.Empty(old.Restores);
        Assert.Equal(RunDriver.Id(10, 1), old.ResumedFrom);
        Assert.Equal(2, _run.State.FindAttempt(new Attempt(3))!.Nodes.Count);
        Assert.Equal(["1", "2"], _run.State.ListAttempts(null, 2).Items.Select(attempt => attempt.Attempt.ToString()));
        Assert.Equal("2", _run.State.ListAttempts(null, 2).Next);
    }

    [Fact]
    public void UnknownRun_IsNotFound()
    {
        var empty = new RunState(RunDriver.Run, new RunOptions());
        Assert.Equal(ErrorCode.NotFound, empty.Decide(RestoreOf(0), _run.Now).Refusal?.Code);
        Assert.Equal(ErrorCode.NotFound, empty.Decide(_run.SealOf(11, 0), _run.Now).Refusal?.Code);
        Assert.Equal(ErrorCode.NotFound, empty.Decide(_run.ShardOf(RunDriver.Id(11, 2), 0), _run.Now).Refusal?.Code);
        Assert.Equal(ErrorCode.NotFound, empty.Decide(_run.StepsOf(RunDriver.StepOf(1)), _run.Now).Refusal?.Code);
        Assert.Equal(ErrorCode.NotFound, empty.Decide(new CompleteCommit(RunDriver.Id(11, 2)), _run.Now).Refusal?.Code);
    }

    private RecordRestore RestoreOf(int rank) => new(new RestoreReport
    {
        Attempt = _run.Attempt,
        Rank = new Rank(rank),
        Node = RunDriver.NodeOf(rank),
        Checkpoint = RunDriver.Id(10, 1),
        Succeeded = true,
        LocalMemoryBytes = 1000,
        PeerMemoryBytes = 0,
        StorageBytes = 0,
        RestoreMs = 3,
        Faults = [],
    });
}
