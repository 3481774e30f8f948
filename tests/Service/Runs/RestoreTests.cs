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
    public void Faults_AreACorruptCopy_AndFailureIsToldAndMayTurnToSuccess()
    {
        _run.Accepted(new RecordRestore(RestoreOf(0).Body with { Faults = ["chunk 3 from node-1"] }));
        _run.Accepted(new RecordRestore(RestoreOf(1).Body with { Succeeded = false, Faults = ["store unavailable"] }));
        Assert.Equal(
            [IncidentKind.CorruptCopy, IncidentKind.CorruptCopy, IncidentKind.SnapshotRefused],
            _run.Incidents.Select(incident => incident.Kind));
        Assert.Contains("store unavailable", _run.Incidents[2].Message, StringComparison.Ordinal);

        _run.Accepted(RestoreOf(1));
        Assert.True(_run.State.FindAttempt(_run.Attempt)!.Restores[1].Succeeded);
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
        _run.Refused(
            new RecordRestore(restore with { Faults = [.. Enumerable.Repeat("f", RunLimits.MaxFaults + 1)] }), ErrorCode.LimitExceeded);
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
