using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Events;

namespace Checkpointer.Service.Tests.Runs;

public sealed class JoinTests
{
    private readonly RunDriver _run = new();

    [Fact]
    public void Join_RanksMissing_IsPendingAndCreatesTheRun()
    {
        Assert.False(_run.State.Exists);

        var first = _run.Join("a", 0, 3);
        var second = _run.Join("a", 2, 3);

        Assert.Equal((JoinState.Pending, 1), (first.State, first.JoinedRanks));
        Assert.Equal((JoinState.Pending, 2), (second.State, second.JoinedRanks));
        Assert.True(_run.State.Exists);
        Assert.Null(_run.State.Summarise().Attempt);
        Assert.Null(_run.State.Progress);
    }

    [Fact]
    public void Join_LastRank_GrantsTheFirstAttemptToAll()
    {
        var started = _run.Now;
        _run.Join("a", 1, 2);
        var granted = _run.Join("a", 0, 2);
        var other = _run.Join("a", 1, 2);

        Assert.Equal((JoinState.Granted, new Attempt(1)), (granted.State, granted.Attempt));
        Assert.Null(granted.Plan!.ResumeFrom);
        Assert.StartsWith("Starts from scratch", granted.Plan.Reason, StringComparison.Ordinal);
        Assert.Equal(granted.Attempt, other.Attempt);
        Assert.Same(_run.State.CurrentPlan, other.Plan);
        var attempt = _run.State.FindAttempt(new Attempt(1))!;
        Assert.Equal(["node-0", "node-0"], attempt.Nodes);
        Assert.Equal(started, attempt.FirstJoinAt);
        Assert.Equal("a", attempt.Incarnation);
    }

    [Fact]
    public void Join_Repeated_RecordsNothing()
    {
        _run.Join("a", 0, 2);
        var repeated = _run.Send(RunDriver.JoinOf("a", 0, 2));

        Assert.Empty(repeated.Events);
        Assert.Equal(1, repeated.Answer!.JoinedRanks);
    }

    [Fact]
    public void Join_AgentRestartedWhilePending_ReplacesWhatItSaid()
    {
        _run.Join("a", 0, 2);
        _run.Accepted(RunDriver.JoinOf("a", 0, 2, instance: "i2"));

        Assert.Equal("i2", _run.State.Barrier.Pending!.Agents["node-0"].Instance);
        Assert.Single(_run.State.Barrier.Pending.Ranks);
    }

    [Fact]
    public void Join_SameHoldingsFromTheSameNode_AreRecordedOnce()
    {
        _run.Start("a", 2);
        _run.SealAll(5, 2);
        _run.Join("b", 0, 3);
        var second = _run.Send(RunDriver.JoinOf("b", 1, 3, holdings: _run.Memory["node-0"]));

        Assert.Null(Assert.IsType<RankJoined>(Assert.Single(second.Events)).Holdings);
        Assert.Equal(2, _run.State.Barrier.Pending!.Agents["node-0"].Images.Count);
    }

    [Fact]
    public void Join_HoldingsOfOtherRuns_AreLeftOut()
    {
        _run.Hold(0, RunDriver.Id(5, 1), RunDriver.Image(0, 5));
        var strange = _run.Memory["node-0"].Select(holding => holding with { Run = RunId.Parse("other") }).ToList();
        _run.Accepted(RunDriver.JoinOf("a", 0, 2, holdings: strange));

        Assert.Empty(_run.State.Barrier.Pending!.Agents["node-0"].Images);
    }

    [Fact]
    public void Join_OtherWorldSize_IsWorldMismatch()
    {
        _run.Join("a", 0, 3);
        _run.Refused(RunDriver.JoinOf("a", 1, 4), ErrorCode.WorldMismatch);

        _run.Start("b", 2);
        _run.Refused(RunDriver.JoinOf("b", 1, 3), ErrorCode.WorldMismatch);
    }

    [Fact]
    public void Join_OneRankFromTwoNodes_IsWorldMismatch()
    {
        _run.Join("a", 0, 2);
        var refusal = _run.Refused(RunDriver.JoinOf("a", 0, 2, node: "elsewhere"), ErrorCode.WorldMismatch);
        Assert.Contains("elsewhere", refusal.Message, StringComparison.Ordinal);

        _run.Join("a", 1, 2);
        _run.Refused(RunDriver.JoinOf("a", 0, 2, node: "elsewhere"), ErrorCode.WorldMismatch);
    }

    [Fact]
    public void Join_NewIncarnation_SupersedesThePendingOne()
    {
        _run.Join("a", 0, 2);
        _run.Join("b", 0, 2);

        _run.Refused(RunDriver.JoinOf("a", 1, 2), ErrorCode.IncarnationSuperseded);
        _run.Refused(RunDriver.JoinOf("a", 0, 2), ErrorCode.IncarnationSuperseded);
        Assert.Equal(JoinState.Granted, _run.Join("b", 1, 2).State);
    }

    [Fact]
    public void Join_NewIncarnationComplete_FencesTheAttempt()
    {
        _run.Start("a", 2);
        _run.Join("b", 0, 2);
        _run.Report(1, 1);
        Assert.Equal(new Attempt(1), _run.Join("a", 1, 2).Attempt);

        _run.Join("b", 1, 2);

        Assert.Equal(new Attempt(2), _run.Attempt);
        _run.Refused(RunDriver.JoinOf("a", 0, 2), ErrorCode.IncarnationSuperseded);
        _run.Refused(
            new RecordSteps(new ReportSteps { Attempt = new Attempt(1), Reports = [RunDriver.StepOf(2)] }), ErrorCode.StaleAttempt);
    }

    [Fact]
    public void Join_GrantLostInACrash_IsGrantedByTheNextJoin()
    {
        _run.Join("a", 0, 2);
        var last = _run.State.Decide(RunDriver.JoinOf("a", 1, 2), _run.Now);
        Assert.Equal(2, last.Events.Count);
        _run.State.Apply(last.Events[0]);

        Assert.Null(_run.State.CurrentAttempt);
        Assert.Equal(JoinState.Granted, _run.Join("a", 0, 2).State);
    }

    [Fact]
    public void Join_WorldChangesSize_IsGranted()
    {
        _run.Start("a", 4);
        _run.SealAll(10, 4);
        var plan = _run.Start("b", 2 + 4);

        Assert.Equal(RunDriver.Id(10, 1), plan.ResumeFrom);
        Assert.Equal(4, plan.Images.Count);
        Assert.Equal(6, _run.State.Summarise().WorldSize);
    }

    [Fact]
    public void Join_FencesAreRememberedUpToTheLimit()
    {
        for (var i = 0; i <= RunLimits.MaxPastIncarnations + 1; i++)
        {
            _run.Join($"n{i}", 0, 2);
        }

        Assert.Equal(RunLimits.MaxPastIncarnations, _run.State.Barrier.Past.Count);
        Assert.False(_run.State.Barrier.IsPast("n0"));
        _run.Refused(RunDriver.JoinOf("n1", 0, 2), ErrorCode.IncarnationSuperseded);
    }

    [Theory]
    [InlineData("", "node", "i", "http://n:1")]
    [InlineData("a b", "node", "i", "http://n:1")]
    [InlineData("a", "../x", "i", "http://n:1")]
    [InlineData("a", null, "i", "http://n:1")]
    [InlineData("a", "node", null, "http://n:1")]
    [InlineData("a", "node", "i", "ftp://n:1")]
    [InlineData("a", "node", "i", "nonsense")]
    [InlineData("a", "node", "i", null)]
    public void Join_Malformed_IsInvalid(string? incarnation, string? node, string? instance, string? address)
    {
        var join = RunDriver.JoinOf("a", 0, 1).Body;
        var agent = join.Agent with { Node = node!, Instance = instance!, Address = address! };

        _run.Refused(new JoinRank(join with { Incarnation = incarnation!, Agent = agent }), ErrorCode.InvalidRequest);
        Assert.False(_run.State.Exists);
    }

    [Fact]
    public void Join_BeyondALimit_IsRefused()
    {
        var join = RunDriver.JoinOf("a", 0, 1).Body;
        var holding = new Checkpointer.Contracts.Agents.Holding
        {
            Run = RunDriver.Run,
            Rank = new Rank(0),
            Checkpoint = RunDriver.Id(1, 1),
            Image = RunDriver.Image(0, 1),
        };
        _run.Refused(new JoinRank(join with { WorldSize = RunLimits.MaxWorldSize + 1 }), ErrorCode.InvalidRequest);
        _run.Refused(new JoinRank(join with { Rank = new Rank(1) }), ErrorCode.InvalidRequest);
        _run.Refused(new JoinRank(join with { Agent = null! }), ErrorCode.InvalidRequest);
        _run.Refused(
            new JoinRank(join with { Incarnation = new string('a', RunLimits.MaxIncarnationLength + 1) }), ErrorCode.LimitExceeded);
        _run.Refused(
            new JoinRank(join with
            {
                Agent = join.Agent with { Holdings = [.. Enumerable.Repeat(holding, RunLimits.MaxHoldings + 1)] },
            }),
            ErrorCode.LimitExceeded);
        var most = Enumerable.Range(0, RunLimits.MaxHoldings)
            .Select(rank => holding with { Rank = new Rank(rank) }).ToList();
        _run.Accepted(new JoinRank(join with
        {
            Incarnation = new string('a', RunLimits.MaxIncarnationLength),
            WorldSize = RunLimits.MaxWorldSize,
            Agent = join.Agent with { Holdings = most },
        }));
        Assert.All(_run.Journal, entry => Assert.InRange(entry.Length, 1, Journal.JournalLimits.MaxPayloadBytes));
    }
}
