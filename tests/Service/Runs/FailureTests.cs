using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Replicas;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Commands;

namespace Checkpointer.Service.Tests.Runs;

/// <summary>What detected failures come to: incidents, once, and nothing else.</summary>
public sealed class FailureTests
{
    private readonly RunDriver _run = new();

    public FailureTests() => _run.Start("a", 3);

    [Theory]
    [InlineData(FailureKind.Died, "died")]
    [InlineData(FailureKind.Raised, "ended with an exception")]
    public void Death_IsAnIncidentThatSaysHow(FailureKind kind, string how)
    {
        _run.Accepted(new RecordFailure(DeathOf(1).Body with { Kind = kind, Card = "cuda:1" }));
        var died = Assert.Single(_run.Incidents);
        Assert.Equal(
            (IncidentKind.RankDied, kind, "node-0", "cuda:1", "it was killed.", _run.Attempt),
            (died.Kind, died.Failure!.Value, died.Node, died.Card, died.Evidence, died.Attempt));
        Assert.Equal([new Rank(1)], died.Ranks);
        Assert.StartsWith($"Rank 1 of attempt 1 on node node-0 (card cuda:1) {how}: it was killed.", died.Message, StringComparison.Ordinal);
        Assert.Equal(RunDriver.BytesOf(_run.State), RunDriver.BytesOf(_run.Replay()));
    }

    [Fact]
    public void Deaths_AfterTheFirstOfAnAttempt_AreItsConsequence_AndTheNextAttemptsIsNews()
    {
        _run.Accepted(DeathOf(1));
        Assert.Empty(_run.Send(DeathOf(1)).Events);
        Assert.Empty(_run.Send(DeathOf(2)).Events);
        _run.Refused(new RecordFailure(DeathOf(0).Body with { Attempt = new Attempt(2) }), ErrorCode.StaleAttempt);
        _run.Start("b", 3);
        _run.Refused(new RecordFailure(DeathOf(0).Body with { Attempt = new Attempt(1) }), ErrorCode.StaleAttempt);
        _run.Accepted(DeathOf(2));
        Assert.Equal([1, 2], _run.Incidents.Select(incident => incident.Attempt!.Value.Value));
    }

    [Fact]
    public void Death_ThatCannotBe_IsRefused()
    {
        var death = DeathOf(0).Body;
        _run.Refused(new RecordFailure(death with { Rank = new Rank(3) }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordFailure(death with { Node = "no node" }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordFailure(death with { Evidence = null! }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordFailure(death with { Evidence = new string('e', FailureReport.MaxEvidenceLength + 1) }), ErrorCode.LimitExceeded);
        _run.Refused(new RecordFailure(death with { Card = new string('c', FailureReport.MaxCardLength + 1) }), ErrorCode.LimitExceeded);
        Assert.Empty(_run.Incidents);
        _run.Accepted(new RecordFailure(death with
        {
            Evidence = new string('e', FailureReport.MaxEvidenceLength),
            Card = new string('c', FailureReport.MaxCardLength),
        }));
        Assert.Single(_run.Incidents);
    }

    [Fact]
    public void Loss_NamesTheRanksAndTheirOnlyCard()
    {
        _run.Accepted(LossOf(isNode: true, 2, 0));
        _run.Accepted(LossOf(isNode: false, 1));
        Assert.Equal([IncidentKind.NodeLost, IncidentKind.AgentLost], _run.Incidents.Select(incident => incident.Kind));
        Assert.Equal([new Rank(0), new Rank(2)], _run.Incidents[0].Ranks);
        Assert.Equal([null, "card-1"], _run.Incidents.Select(incident => incident.Card));
        Assert.Null(_run.Incidents[0].Failure);
        Assert.Equal("The agent of node lost is gone; it had rank 1 in training: it is silent.", _run.Incidents[1].Message);
    }

    [Fact]
    public void Loss_OfMoreRanksThanAreNamed_NamesTheFirst()
    {
        _run.Accepted(LossOf(isNode: true, [.. Enumerable.Range(0, RunLimits.MaxNamedRanks + 1)]));
        Assert.Equal(RunLimits.MaxNamedRanks, Assert.Single(_run.Incidents).Ranks.Count);
    }

    [Fact]
    public void Loss_OfARunThatIsUnknown_IsNotFound() => Assert.Equal(
        ErrorCode.NotFound,
        new RunState(RunDriver.Run, new RunOptions()).Decide(LossOf(isNode: true, 0), _run.Now).Refusal?.Code);

    [Fact]
    public void Hang_IsToldOnceForEachStep()
    {
        _run.Report(1, 6);
        _run.Accepted(HangAt(6, 2, 1));
        Assert.Empty(_run.Send(HangAt(6, 1)).Events);
        var hung = Assert.Single(_run.Incidents);
        Assert.Equal((IncidentKind.RankHung, new Step(6), "node-0", null), (hung.Kind, hung.Step!.Value, hung.Node, hung.Card));
        Assert.Equal([new Rank(1), new Rank(2)], hung.Ranks);

        _run.Report(7, 7);
        _run.Accepted(HangAt(7, 1));
        Assert.Equal("card-1", _run.Incidents[1].Card);
    }

    [Fact]
    public void Hang_ThatIsOverByNow_OrThatADeathExplains_IsNone()
    {
        _run.Report(1, 6);
        Assert.Empty(_run.Send(HangAt(5, 1)).Events);
        _run.Accepted(DeathOf(1));
        Assert.Empty(_run.Send(HangAt(6, 2)).Events);
        Assert.Equal([IncidentKind.RankDied], _run.Incidents.Select(incident => incident.Kind));
    }

    [Fact]
    public void Hang_OfAnAttemptThatWasReplaced_IsStale()
    {
        _run.Report(1, 6);
        var hang = HangAt(6, 1);
        _run.Start("b", 3);
        _run.Refused(hang, ErrorCode.StaleAttempt);
    }

    [Fact]
    public void CorruptCopy_IsAnIncidentThatNamesBothNodes_OnceForEachImageAndPair()
    {
        var report = CorruptCopyOf(1).Body;
        _run.Accepted(new RecordCorruptCopy(report));
        Assert.Empty(_run.Send(new RecordCorruptCopy(report with { Message = "chunk 5 is wrong." })).Events);
        var told = Assert.Single(_run.Incidents);
        Assert.Equal(
            (IncidentKind.CorruptCopy, "node-0", new Step(10), "chunk 3 is wrong."), (told.Kind, told.Node, told.Step!.Value, told.Evidence));
        Assert.Equal([new Rank(1)], told.Ranks);
        Assert.StartsWith(
            "The copy on node node-1 of rank 1's image of 10.1, which node node-0 holds, cannot be made", told.Message, StringComparison.Ordinal);

        _run.Accepted(new RecordCorruptCopy(report with { Node = "node-10" }));
        _run.Accepted(new RecordCorruptCopy(report with { From = "node-2" }));
        _run.Accepted(new RecordCorruptCopy(report with { Checkpoint = RunDriver.Id(11, 1) }));
        _run.Accepted(new RecordCorruptCopy(report with { Rank = new Rank(0) }));
        Assert.Equal(5, _run.Incidents.Count);
        Assert.Equal(RunDriver.BytesOf(_run.State), RunDriver.BytesOf(_run.Replay()));
    }

    [Fact]
    public void CorruptCopy_ThatCannotBe_IsRefused()
    {
        var report = CorruptCopyOf(1).Body;
        _run.Refused(new RecordCorruptCopy(report with { From = "" }), ErrorCode.InvalidRequest);
        _run.Refused(new RecordCorruptCopy(report with { Node = "no node" }), ErrorCode.InvalidRequest);
        _run.Refused(
            new RecordCorruptCopy(report with { Message = new string('m', CorruptCopyReport.MaxMessageLength + 1) }), ErrorCode.LimitExceeded);
        _run.Start("b", 3);
        _run.Refused(new RecordCorruptCopy(report), ErrorCode.StaleAttempt);
        Assert.Empty(_run.Incidents);
    }

    private RecordCorruptCopy CorruptCopyOf(int rank) => new(new CorruptCopyReport
    {
        Attempt = _run.Attempt,
        Checkpoint = RunDriver.Id(10, 1),
        Rank = new Rank(rank),
        From = "node-0",
        Node = "node-1",
        Message = "chunk 3 is wrong.",
    });

    private RecordFailure DeathOf(int rank) => new(new FailureReport
    {
        Attempt = _run.Attempt,
        Rank = new Rank(rank),
        Node = RunDriver.NodeOf(rank),
        Kind = FailureKind.Died,
        Evidence = "it was killed.",
        At = _run.Now,
    });

    private RecordLoss LossOf(bool isNode, params int[] ranks) => new("lost", [.. ranks.Select(Activity)], isNode, "it is silent.");

    private RecordHang HangAt(long step, params int[] ranks) =>
        new(_run.Attempt, new Step(step), [.. ranks.Select(Activity)], "node-0", "no step for long.");

    private RankActivity Activity(int rank) => new()
    {
        Run = RunDriver.Run,
        Attempt = _run.Attempt,
        Rank = new Rank(rank),
        Card = $"card-{rank}",
        SilentMs = 0,
    };
}
