using Checkpointer.Agent.Tests.Nodes;
using Checkpointer.Agent.Tests.Worlds;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Tests.Api;

public sealed class SnapshotCallTests : IAsyncLifetime
{
    private static readonly Rank Zero = new(0);
    private readonly TestWorld _world = new(1);
    private Cluster _cluster = null!;
    private TestNode _node = null!;

    public async ValueTask InitializeAsync()
    {
        _cluster = await Cluster.StartAsync();
        _node = await _cluster.StartNodeAsync(change: options => options with { SlotsPerRank = 2 });
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Save_FromJoinToDurable_ReportsInOrder()
    {
        var trainer = Assert.Single(await _cluster.SaveAsync(_world, _node));

        Assert.Equal([typeof(SnapshotReport), typeof(ShardReport)], _cluster.Service.Taken.Select(taken => taken.GetType()));
        var sealed_ = (SnapshotReport)_cluster.Service.Taken[0];
        Assert.Equal(_world.RootOf(_world.ImageOf(Zero)), sealed_.Image!.Root);
        Assert.Equal("node-a", sealed_.Node);
        await Waiting.UntilAsync(
            () => _cluster.Service.Heartbeats.Any(beat => beat.Holdings.Count == 1), () => "no heartbeat names the image");
        var repeated = await trainer.SealAsync(40, _world.ImageOf(Zero).Length);
        Assert.Equal(SnapshotState.Durable, repeated.State);
    }

    [Fact]
    public async Task Calls_OfAnOlderAttempt_AreStale()
    {
        var old = Assert.Single(await _cluster.SaveAsync(_world, _node));
        var layout = _world.LayoutOf(Zero);
        await Cluster.JoinAsync(_world, "second", _node);

        await Cluster.RefusedAsync(ErrorCode.StaleAttempt, () => old.BeginAsync(41, layout));
        await Cluster.RefusedAsync(ErrorCode.StaleAttempt, () => old.SealAsync(40, layout.ImageBytes));
        await Cluster.RefusedAsync(ErrorCode.StaleAttempt, () => old.StatusAsync(40, "sealed", 0));
        await Cluster.RefusedAsync(ErrorCode.StaleAttempt, () => old.DiscardAsync(40));
        await Cluster.RefusedAsync(ErrorCode.StaleAttempt, () => old.ReportAsync(41));
        await Cluster.RefusedAsync(ErrorCode.StaleAttempt, () => old.RestoreAsync(layout));
        await Cluster.RefusedAsync(ErrorCode.StaleAttempt, () => old.RegisterAsync(layout));
    }

    [Fact]
    public async Task Calls_OfAnAttemptThatTheServiceHasReplaced_AreStaleAfterAHeartbeat()
    {
        var old = Assert.Single(await _cluster.SaveAsync(_world, _node));
        _cluster.Service.Progress[TestWorld.Run] = new RunProgress { Run = TestWorld.Run, Attempt = new Attempt(7), GivenUp = [] };
        var beats = _cluster.Service.Heartbeats.Count;
        await Waiting.UntilAsync(() => _cluster.Service.Heartbeats.Count > beats + 2, () => "no heartbeat");

        await Cluster.RefusedAsync(ErrorCode.StaleAttempt, () => old.BeginAsync(41, _world.LayoutOf(Zero)));
    }

    [Fact]
    public async Task Calls_OfAnAttemptThatARollbackFenced_AreStale_AndThoseOfTheNextAttemptAreNot()
    {
        var trainer = Assert.Single(await _cluster.SaveAsync(_world, _node));
        var layout = _world.LayoutOf(Zero);
        await trainer.BeginAsync(41, layout);
        var beats = _cluster.Service.Heartbeats.Count;
        await Waiting.UntilAsync(
            () => _cluster.Service.Heartbeats.Skip(beats).Any(beat => beat.Runs!.Contains(TestWorld.Run)), () => "the run is not named");

        _cluster.Service.Progress[TestWorld.Run] =
            new RunProgress { Run = TestWorld.Run, Attempt = trainer.Attempt, Fenced = true, GivenUp = [] };
        beats = _cluster.Service.Heartbeats.Count;
        await Waiting.UntilAsync(() => _cluster.Service.Heartbeats.Count > beats + 2, () => "no heartbeat");

        await Cluster.RefusedAsync(ErrorCode.StaleAttempt, () => trainer.ReportAsync(41));
        await Cluster.RefusedAsync(ErrorCode.StaleAttempt, () => trainer.BeginAsync(42, layout));
        await Cluster.RefusedAsync(ErrorCode.StaleAttempt, () => trainer.SealAsync(41, layout.ImageBytes));
        await Cluster.RefusedAsync(ErrorCode.StaleAttempt, () => trainer.DiscardAsync(41));
        await Cluster.RefusedAsync(ErrorCode.StaleAttempt, () => trainer.StatusAsync(40, "sealed", 0));
        await Cluster.RefusedAsync(ErrorCode.StaleAttempt, () => trainer.RestoreAsync(layout));
        await Cluster.RefusedAsync(ErrorCode.StaleAttempt, () => trainer.RegisterAsync(layout));

        var next = Assert.Single(await Cluster.JoinAsync(_world, "second", _node));
        await next.RegisterAsync(layout);
        await next.BeginAsync(41, layout);
    }

    [Fact]
    public async Task Extra_DataCursorIsReportedWithTheSeal()
    {
        var trainer = Assert.Single(await Cluster.JoinAsync(_world, "first", _node));
        var layout = _world.LayoutOf(Zero);
        await trainer.RegisterAsync(layout);
        await trainer.SaveAsync(1, layout, _world.ImageOf(Zero), """{"data_cursor": {"shard": 3}, "note": "x"}""");
        await trainer.SaveAsync(2, layout, _world.ImageOf(Zero), """{"note": "\"data_cursor\""}""");
        _cluster.Service.Progress[TestWorld.Run] = new RunProgress
        {
            Run = TestWorld.Run,
            Attempt = trainer.Attempt,
            GloballySealed = new CheckpointId(new Step(2), trainer.Attempt),
            GivenUp = [],
        };
        await trainer.SaveAsync(3, layout, _world.ImageOf(Zero), $$"""{"data_cursor": "{{new string('x', 4095)}}"}""");

        var cursors = _cluster.Service.Taken.OfType<SnapshotReport>().Select(report => report.DataCursor?.GetRawText());
        Assert.Equal(["""{"shard": 3}""", null, null], cursors.Select(cursor => cursor?.Replace(":3", ": 3", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Calls_BeforeAJoin_AskForOne()
    {
        var trainer = _node.Trainer(Zero, 1);
        await Cluster.RefusedAsync(ErrorCode.NotFound, () => trainer.BeginAsync(1, _world.LayoutOf(Zero)));
        await Cluster.RefusedAsync(ErrorCode.NotFound, () => trainer.ReportAsync(1));
    }

    [Fact]
    public async Task Seal_Unfilled_IsRefusedAndCanBeRepeated()
    {
        var trainer = (await Cluster.JoinAsync(_world, "first", _node))[0];
        var layout = _world.LayoutOf(Zero);
        await trainer.RegisterAsync(layout);
        await Cluster.RefusedAsync(ErrorCode.SnapshotNotOpen, () => trainer.SealAsync(1, layout.ImageBytes));

        TestTrainer.Write(await trainer.BeginAsync(1, layout), _world.ImageOf(Zero));
        await Cluster.RefusedAsync(ErrorCode.CaptureIncomplete, () => trainer.SealAsync(1, layout.ImageBytes - 1));
        Assert.Equal(SnapshotState.Captured, (await trainer.SealAsync(1, layout.ImageBytes)).State);
        Assert.Equal(SnapshotState.Durable, (await trainer.StatusAsync(1, "durable")).State);
    }

    [Fact]
    public async Task Discard_OpenSnapshot_IsReportedOnceAndItsSlotIsMadeAnew()
    {
        var trainer = (await Cluster.JoinAsync(_world, "first", _node))[0];
        var layout = _world.LayoutOf(Zero);
        await trainer.RegisterAsync(layout);
        await Cluster.RefusedAsync(ErrorCode.SnapshotNotOpen, () => trainer.DiscardAsync(1));
        var slot = await trainer.BeginAsync(1, layout);

        var status = await trainer.DiscardAsync(1);
        Assert.Equal((SnapshotState.Failed, ErrorCode.CaptureIncomplete), (status.State, status.Error));
        Assert.Equal(status, await trainer.DiscardAsync(1));
        await Cluster.RefusedAsync(ErrorCode.SnapshotNotOpen, () => trainer.SealAsync(1, layout.ImageBytes));

        // A slot that its trainer may still write to is nobody's.
        Assert.NotEqual(slot, await trainer.BeginAsync(2, layout));
        await Waiting.UntilAsync(() => _cluster.Service.Taken.Count > 0, () => "the discard was not reported");
        var report = (SnapshotReport)Assert.Single(_cluster.Service.Taken);
        Assert.Equal((SnapshotOutcome.Discarded, 1L), (report.Outcome, report.Step.Value));
    }

    [Fact]
    public async Task Discard_CapturedSnapshot_ChangesNothing()
    {
        var trainer = Assert.Single(await _cluster.SaveAsync(_world, _node));

        Assert.Equal(SnapshotState.Durable, (await trainer.DiscardAsync(40)).State);

        Assert.Equal(SnapshotState.Durable, (await trainer.StatusAsync(40, "durable")).State);
        Assert.Equal(2, _cluster.Service.Taken.Count);
    }

    [Fact]
    public async Task Begin_AllSlotsHeld_IsBusyUntilTheServiceLetsOneGo()
    {
        var trainer = (await Cluster.JoinAsync(_world, "first", _node))[0];
        var layout = _world.LayoutOf(Zero);
        await trainer.RegisterAsync(layout);
        await trainer.SaveAsync(1, layout, _world.ImageOf(Zero), durable: false);
        await trainer.SaveAsync(2, layout, _world.ImageOf(Zero), durable: false);

        await Cluster.RefusedAsync(ErrorCode.SlotBusy, () => trainer.BeginAsync(3, layout));
        await Waiting.UntilAsync(
            () => _cluster.Service.Taken.OfType<SnapshotReport>().Any(report => report is { Outcome: SnapshotOutcome.Refused, Step.Value: 3 }),
            () => "the refusal was not reported");

        _cluster.Service.Progress[TestWorld.Run] = new RunProgress
        {
            Run = TestWorld.Run,
            Attempt = trainer.Attempt,
            GloballySealed = new CheckpointId(new Step(2), trainer.Attempt),
            GivenUp = [],
        };
        Assert.Equal(SnapshotState.Sealed, (await trainer.SaveAsync(4, layout, _world.ImageOf(Zero), durable: false)).State);
    }

    [Fact]
    public async Task Register_BeyondTheMemoryBudget_IsRefused()
    {
        var small = await _cluster.StartNodeAsync("node-b", options => options with { MemoryBudgetBytes = 1 << 20 });
        var trainer = (await Cluster.JoinAsync(_world, "first", small))[0];

        await Cluster.RefusedAsync(ErrorCode.MemoryBudgetExceeded, () => trainer.RegisterAsync(_world.LayoutOf(Zero)));
    }

    [Fact]
    public async Task Report_StepsOfRank0_ReachTheLedgerInOrder()
    {
        var trainer = (await Cluster.JoinAsync(_world, "first", _node))[0];
        Assert.Null((await trainer.ReportAsync(1, 2)).LedgerStep);
        await trainer.ReportAsync(3);
        await Waiting.UntilAsync(() => _cluster.Service.Taken.Count == 2, () => $"{_cluster.Service.Taken.Count} reports");

        // No reports at all: how a trainer asks what the ledger holds.
        Step? ledger = null;
        await Waiting.UntilAsync(
            () => (ledger = trainer.ReportAsync().GetAwaiter().GetResult().LedgerStep) == new Step(3), () => $"{ledger}");
    }

    [Fact]
    public async Task Report_ByAnotherRank_IsTakenAndFeedsNothing()
    {
        var world = new TestWorld(2);
        var trainers = await Cluster.JoinAsync(world, "first", _node, _node);
        await trainers[1].ReportAsync(1);
        await trainers[0].ReportAsync(1);
        await Waiting.UntilAsync(() => _cluster.Service.Taken.Count > 0, () => "no report");
        Assert.Single(_cluster.Service.Taken);
    }

    [Fact]
    public async Task Join_ServiceAway_SaysSoAndIsGrantedOnceItIsBack()
    {
        _cluster.Service.IsDown = true;
        var trainer = _node.Trainer(Zero, 1);
        var error = await Cluster.RefusedAsync(ErrorCode.ServiceUnavailable, () => trainer.JoinAsync("first", waitMs: 300));
        Assert.True(error.IsTransient);
        Assert.Contains(_cluster.Service.Address.ToString(), error.Message, StringComparison.Ordinal);

        var waiting = trainer.JoinAsync("first", waitMs: 20_000);
        _cluster.Service.IsDown = false;
        Assert.Equal(JoinState.Granted, (await waiting).State);
        Assert.Equal(new Attempt(1), trainer.Attempt);
    }

    [Fact]
    public async Task Join_RanksMissing_IsPendingAndCarriesTheHoldings()
    {
        await _cluster.SaveAsync(_world, _node);
        var lonely = _node.Trainer(Zero, 2);
        var answer = await lonely.JoinAsync("second", waitMs: 0);

        Assert.Equal(JoinState.Pending, answer.State);
        Assert.Equal(1, answer.JoinedRanks);
        Assert.Null(answer.Attempt);
        var holding = Assert.Single(_cluster.Service.Joins.Last().Agent.Holdings);
        Assert.Equal(TestWorld.Checkpoint, holding.Checkpoint);
    }

    [Fact]
    public async Task Restart_OfTheAgent_KeepsImagesAndAsksRanksToJoinAgain()
    {
        var trainer = Assert.Single(await _cluster.SaveAsync(_world, _node));
        var first = (await trainer.ReportAsync()).AgentInstance;
        await _cluster.StopNodeAsync(_node);
        _node = await _cluster.StartNodeAsync();
        var again = _node.Trainer(Zero, 1);

        await Cluster.RefusedAsync(ErrorCode.NotFound, () => again.StatusAsync(40, "durable"));
        var answer = await again.JoinAsync("first");
        Assert.Equal(new Attempt(1), answer.Attempt);
        Assert.NotEqual(first, answer.AgentInstance);
        Assert.Equal(SnapshotState.Durable, (await again.StatusAsync(40, "durable")).State);
        Assert.Equal(TestWorld.Checkpoint, Assert.Single(_cluster.Service.Joins.Last().Agent.Holdings).Checkpoint);
    }
}
