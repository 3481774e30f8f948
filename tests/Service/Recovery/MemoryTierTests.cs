using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Replicas;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Agents;
using Checkpointer.Service.Recovery;
using Checkpointer.Service.Tests.Driving;
using Checkpointer.Service.Tests.Runs;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Service.Tests.Recovery;

/// <summary>Two nodes of two ranks each: node-0 has ranks 0 and 1, node-1 ranks 2 and 3.</summary>
public sealed class MemoryTierTests
{
    private const int World = 4;
    private readonly RunDriver _run = new();
    private readonly FakeTimeProvider _time = new();
    private readonly AgentRegistry _agents;
    private readonly MemoryTier _memory;

    public MemoryTierTests()
    {
        _agents = new AgentRegistry(RunningService.Options("/unused"), _time);
        _memory = new MemoryTier(_agents);
        _run.Start("a", World);
        Beat("node-0");
        Beat("node-1");
    }

    private RunProgress Progress => _memory.Progress(_run.State, "node-0")!;

    [Fact]
    public void Peer_IsTheOtherNode_ForWhoeverAsks()
    {
        Assert.Equal("node-1", Progress.Peer!.Node);
        Assert.Equal("http://node-1:7071", Progress.Peer.Address);
        Assert.Equal("node-0", _memory.Progress(_run.State, "node-1")!.Peer!.Node);
        Assert.Equal("node-0", _memory.PeerOf(_run.State, "node-1")!.Node);
        Assert.Null(_memory.Progress(_run.State, null)!.Peer);
        Assert.Null(_memory.Progress(_run.State, "stranger")!.Peer);
    }

    [Fact]
    public void Protected_WaitsForEveryRanksCopy()
    {
        Seal(5);
        Assert.Null(Progress.Protected);
        Copy(5, 0, 1, 2);
        Assert.Null(Progress.Protected);
        Assert.Equal(RunDriver.Id(5, 1), _run.State.Progress!.GloballySealed);

        Copy(5, 3);
        Assert.Equal(RunDriver.Id(5, 1), Progress.Protected);
        Assert.Equal(RunDriver.Id(5, 1), _memory.Summarise(_run.State).RecoverableFromMemory);
    }

    [Fact]
    public void Protected_NeverGoesBack()
    {
        Seal(5);
        Copy(5, 0, 1, 2, 3);
        Assert.Equal(RunDriver.Id(5, 1), Progress.Protected);
        Seal(6);
        Assert.Equal(RunDriver.Id(5, 1), Progress.Protected);

        // Nobody is left to copy to, so that nothing is waited for; then somebody is, with nothing in memory.
        _time.Advance(TimeSpan.FromMinutes(1));
        Beat("node-0", Held(0, 6), Held(1, 6));
        Assert.Equal(RunDriver.Id(6, 1), Progress.Protected);
        Beat("node-1");
        Assert.DoesNotContain(_memory.Describe(_run.State).Steps, step => step.Protected);
        Assert.Equal(RunDriver.Id(6, 1), Progress.Protected);
    }

    [Fact]
    public void NobodyHasAPeer_WhatIsGloballySealedIsProtected()
    {
        _time.Advance(TimeSpan.FromMinutes(1));
        Beat("node-0");
        Seal(5);

        Assert.Null(Progress.Peer);
        Assert.Equal(RunDriver.Id(5, 1), Progress.Protected);
    }

    [Fact]
    public void ServiceThatJustStarted_SaysNothingBeforeAllHaveBeenHeard()
    {
        Seal(5);
        Seal(6);
        var restarted = new AgentRegistry(RunningService.Options("/unused"), _time);
        var memory = new MemoryTier(restarted);
        restarted.See(Presence("node-0"));

        Assert.Null(memory.Progress(_run.State, "node-0")!.Protected);
        restarted.See(Presence("node-1"));
        foreach (var node in new[] { "node-0", "node-1" })
        {
            memory.Hear(Presence(node, [.. Enumerable.Range(0, World).Select(rank => Held(rank, 5))]));
        }

        Assert.Equal(RunDriver.Id(5, 1), memory.Progress(_run.State, "node-0")!.Protected);
    }

    [Fact]
    public void DeadAgent_HoldsNothing_UntilItComesBack()
    {
        Seal(5);
        _time.Advance(TimeSpan.FromMinutes(1));
        Beat("node-0", Held(0, 5), Held(1, 5));
        var lost = Assert.Single(_memory.Describe(_run.State).Steps);
        Assert.Equal((2, false), (lost.HeldRanks, lost.Complete));
        Assert.Equal([["node-0"], ["node-0"], [], []], lost.Holders);
        Assert.Null(_memory.Summarise(_run.State).RecoverableFromMemory);

        Beat("node-1", Held(2, 5), Held(3, 5));
        Assert.True(Assert.Single(_memory.Describe(_run.State).Steps).Complete);
    }

    [Fact]
    public void Listing_DeniesWhatItListedBefore_ButNotWhatWasReportedMeanwhile()
    {
        Seal(5);
        Beat("node-0");
        Assert.Equal(World, Assert.Single(_memory.Describe(_run.State).Steps).HeldRanks);
        Beat("node-0");
        Assert.Equal(2, Assert.Single(_memory.Describe(_run.State).Steps).HeldRanks);
    }

    [Fact]
    public void CopyWithAnotherRoot_DoesNotCount()
    {
        Seal(5);
        Copy(5, 0, 1, 2);
        Beat("node-0", [.. Enumerable.Range(0, World).Select(rank => Held(rank, 5, salt: rank == 3 ? 7 : 0))]);

        Assert.Equal(["node-1"], Assert.Single(_memory.Describe(_run.State).Steps).Holders[3]);
        Assert.Null(Progress.Protected);
    }

    [Fact]
    public void NewAttempt_BeginsAnew()
    {
        Seal(5);
        Copy(5, 0, 1, 2, 3);
        Assert.NotNull(Progress.Protected);
        _run.Start("b", World);

        Assert.Equal(RunDriver.Id(5, 1), Progress.ResumedFrom);
        Assert.Equal(RunDriver.Id(5, 1), Progress.Protected);
        _run.SealAll(6, World);
        Assert.Equal(RunDriver.Id(5, 1), Progress.Protected);
    }

    [Fact]
    public void ReplicaReports_AreChecked()
    {
        Seal(5);
        var report = ReportOf(5, 2);
        Assert.Null(ReplicaReportChecks.Check(_run.State, report));
        Assert.Equal(ErrorCode.StaleAttempt, ReplicaReportChecks.Check(_run.State, report with { Attempt = new Attempt(2) })?.Code);
        Assert.Equal(ErrorCode.InvalidRequest, ReplicaReportChecks.Check(_run.State, report with { Rank = new Rank(World) })?.Code);
        Assert.Equal(
            ErrorCode.InvalidRequest, ReplicaReportChecks.Check(_run.State, report with { Checkpoint = RunDriver.Id(5, 2) })?.Code);
        Assert.Equal(ErrorCode.InvalidRequest, ReplicaReportChecks.Check(_run.State, report with { Node = "../x" })?.Code);
        Assert.Equal(
            ErrorCode.CheckpointConflict,
            ReplicaReportChecks.Check(_run.State, report with { Image = RunDriver.Image(2, 5, salt: 1) })?.Code);
    }

    private static ReplicaReport ReportOf(long step, int rank) => new()
    {
        Attempt = new Attempt(1),
        Checkpoint = RunDriver.Id(step, 1),
        Rank = new Rank(rank),
        Node = rank < 2 ? "node-1" : "node-0",
        Image = RunDriver.Image(rank, step),
    };

    private static Holding Held(int rank, long step, int salt = 0) => new()
    {
        Run = RunDriver.Run,
        Rank = new Rank(rank),
        Checkpoint = RunDriver.Id(step, 1),
        Image = RunDriver.Image(rank, step, salt),
    };

    private static AgentPresence Presence(string node, params IReadOnlyList<Holding> holdings) =>
        new() { Node = node, Instance = "1", Address = $"http://{node}:7071", Holdings = holdings };

    private void Beat(string node, params IReadOnlyList<Holding> holdings)
    {
        _agents.See(Presence(node, holdings));
        _memory.Hear(Presence(node, holdings));
    }

    private void Seal(long step)
    {
        for (var rank = 0; rank < World; rank++)
        {
            _run.Seal(step, rank);
            _memory.Hold(RunDriver.Run, RunDriver.NodeOf(rank), RunDriver.Id(step, 1), new Rank(rank), RunDriver.Image(rank, step).Root);
        }
    }

    private void Copy(long step, params int[] ranks)
    {
        foreach (var report in ranks.Select(rank => ReportOf(step, rank)))
        {
            Assert.Null(ReplicaReportChecks.Check(_run.State, report));
            _memory.Hold(RunDriver.Run, report.Node, report.Checkpoint, report.Rank, report.Image.Root);
        }
    }
}
