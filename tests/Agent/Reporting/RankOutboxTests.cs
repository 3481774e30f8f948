using System.Diagnostics.Metrics;
using Checkpointer.Agent.Joining;
using Checkpointer.Agent.Reporting;
using Checkpointer.Agent.Telemetry;
using Checkpointer.Agent.Tests.Service;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Agent.Tests.Reporting;

public sealed class RankOutboxTests : IAsyncLifetime
{
    private static readonly RunId Run = RunId.Parse("sft-demo");
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private FakeService _service = null!;
    private HttpClient _http = null!;
    private readonly Grants _grants = new();
    private Outboxes _outboxes = null!;

    public async ValueTask InitializeAsync()
    {
        _service = await FakeService.StartAsync();
        _http = new HttpClient { BaseAddress = _service.Address };
        var telemetry = new AgentTelemetry(_services.GetRequiredService<IMeterFactory>());
        _outboxes = new Outboxes(
            new ServiceClient(_http, "node-a", TimeProvider.System, telemetry),
            _grants,
            new RetryPause(TimeProvider.System, new Random(1)),
            telemetry,
            NullLogger<RankOutbox>.Instance);
        await _outboxes.StartAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await _outboxes.StopAsync(CancellationToken.None);
        _outboxes.Dispose();
        _http.Dispose();
        await _service.DisposeAsync();
        await _services.DisposeAsync();
    }

    [Fact]
    public async Task Add_RefusedAsStale_TheServiceIsAskedWhichAttemptsAreFencedOut()
    {
        _grants.Add(new Grant(Run, new Rank(0), 1, new Attempt(1), new RecoveryPlan { Reason = "", Images = [] }));
        _service.Refuse = taken => taken is ReportSteps ? new CheckpointerException(ErrorCode.StaleAttempt, "rolled back") : null;
        _service.Progress[Run] = new RunProgress { Run = Run, Attempt = new Attempt(1), Fenced = true, GivenUp = [] };
        _outboxes.AddSteps(Run, Steps(1, 1));

        await Waiting.UntilAsync(
            () => Assert.IsType<CheckpointerException>(
                Record.Exception(() => _grants.Require(Run, new Rank(0), new Attempt(1))) ?? new CheckpointerException(ErrorCode.Internal, "")).Code
                == ErrorCode.StaleAttempt,
            () => "the attempt is not fenced");
    }

    [Fact]
    public async Task Add_ServiceAway_DeliversInOrderOnceItIsBack()
    {
        _service.IsDown = true;
        _outboxes.AddSteps(Run, Steps(1, 1, 2));
        _ = _outboxes.Add(Run, Snapshot(1, 2, SnapshotOutcome.Sealed));
        _outboxes.AddSteps(Run, Steps(1, 3));
        var shard = _outboxes.Add(Run, Shard(1, 2));
        Assert.False(shard.IsCompleted);
        Assert.Null(_outboxes.LedgerStep(Run, new Attempt(1)));

        _service.IsDown = false;
        Assert.Null(await shard.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
        Assert.Equal(
            [typeof(ReportSteps), typeof(SnapshotReport), typeof(ReportSteps), typeof(ShardReport)],
            _service.Taken.Select(taken => taken.GetType()));
        Assert.Equal(new Step(3), _outboxes.LedgerStep(Run, new Attempt(1)));
        Assert.Null(_outboxes.LedgerStep(Run, new Attempt(2)));
    }

    [Fact]
    public async Task Add_ServiceDoesNotKnowTheRun_KeepsEverythingUntilItDoes()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _service.Refuse = _ =>
        {
            asked.TrySetResult();
            return new CheckpointerException(ErrorCode.NotFound, "There is no such run.");
        };
        _outboxes.AddSteps(Run, Steps(1, 1, 2));
        var shard = _outboxes.Add(Run, Shard(1, 2));
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);

        _service.Refuse = _ => null;
        Assert.Null(await shard.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
        Assert.Equal([typeof(ReportSteps), typeof(ShardReport)], _service.Taken.Select(taken => taken.GetType()));
    }

    [Fact]
    public async Task Add_StaleAttempt_GivesUpTheRestOfItAndNothingElse()
    {
        _service.IsDown = true;
        _service.Refuse = report => report is ReportSteps { Attempt.Value: 1 } or SnapshotReport { Attempt.Value: 1 }
            ? new CheckpointerException(ErrorCode.StaleAttempt, "Fenced out.")
            : null;
        _outboxes.AddSteps(Run, Steps(1, 1));
        var stale = _outboxes.Add(Run, Shard(1, 1));
        var current = _outboxes.Add(Run, Shard(2, 1));
        _service.IsDown = false;

        Assert.Equal(ErrorCode.StaleAttempt, (await stale)?.Code);
        Assert.Null(await current);
        Assert.Equal([new Attempt(2)], _service.Taken.Select(taken => ((ShardReport)taken).Attempt));
    }

    [Fact]
    public async Task Add_Refused_GivesUpThatOneAloneAndSaysWhy()
    {
        _service.Refuse = report => report is SnapshotReport
            ? new CheckpointerException(ErrorCode.CheckpointConflict, "It was abandoned.")
            : null;
        var refused = _outboxes.Add(Run, Snapshot(1, 1, SnapshotOutcome.Sealed));
        var next = _outboxes.Add(Run, Shard(1, 1));

        Assert.Equal(ErrorCode.CheckpointConflict, (await refused)?.Code);
        Assert.Null(await next);
        Assert.IsType<ShardReport>(Assert.Single(_service.Taken));
    }

    [Fact]
    public async Task AddSteps_BeyondTheBound_AreRefusedAndNoneIsLost()
    {
        _service.IsDown = true;
        const int each = 1024;
        for (var first = 1; first <= RankOutbox.MaxPendingSteps; first += each)
        {
            _outboxes.AddSteps(Run, Steps(1, [.. Enumerable.Range(first, each)]));
        }

        var refusal = Assert.Throws<CheckpointerException>(
            () => _outboxes.AddSteps(Run, Steps(1, RankOutbox.MaxPendingSteps + 1)));
        Assert.Equal(ErrorCode.LimitExceeded, refusal.Code);
        Assert.True(refusal.IsTransient);

        _service.IsDown = false;
        await Waiting.UntilAsync(
            () => _outboxes.LedgerStep(Run, new Attempt(1)) == new Step(RankOutbox.MaxPendingSteps),
            () => $"{_service.Taken.Count} reports");
        _outboxes.AddSteps(Run, Steps(1, RankOutbox.MaxPendingSteps + 1));
        await Waiting.UntilAsync(
            () => _service.Taken.Count == (RankOutbox.MaxPendingSteps / each) + 1, () => $"{_service.Taken.Count} reports");
        Assert.Equal(
            Enumerable.Range(1, RankOutbox.MaxPendingSteps + 1),
            _service.Taken.SelectMany(taken => ((ReportSteps)taken).Reports.Select(report => (int)report.Step.Value)));
    }

    [Fact]
    public async Task TryWithdraw_WhatNeverLeft_IsNeverDelivered()
    {
        _service.IsDown = true;
        var first = _outboxes.Add(Run, Snapshot(1, 1, SnapshotOutcome.Sealed));
        var seal = _outboxes.Add(Run, Snapshot(1, 2, SnapshotOutcome.Sealed));
        var shard = _outboxes.Add(Run, Shard(1, 2));
        var last = _outboxes.Add(Run, Snapshot(1, 3, SnapshotOutcome.Sealed));

        Assert.True(_outboxes.TryWithdraw(Run, new Rank(0), Id(2)));
        Assert.False(_outboxes.TryWithdraw(Run, new Rank(0), Id(2)));
        Assert.Equal(ErrorCode.CheckpointConflict, (await seal)?.Code);
        Assert.Equal(ErrorCode.CheckpointConflict, (await shard)?.Code);

        _service.IsDown = false;
        Assert.Null(await first);
        Assert.Null(await last);
        Assert.Equal([1L, 3L], _service.Taken.Select(taken => ((SnapshotReport)taken).Step.Value));
    }

    [Fact]
    public async Task TryWithdraw_WhatMayHaveArrived_StaysUntilItIsAnswered()
    {
        // A connection that is cut after the request was sent: the service may have journaled it.
        _service.IsDown = true;
        var seal = _outboxes.Add(Run, Snapshot(1, 1, SnapshotOutcome.Sealed));
        await Waiting.UntilAsync(() => _service.Cut > 0, () => "nothing was sent");

        Assert.False(_outboxes.TryWithdraw(Run, new Rank(0), Id(1)));
        _service.IsDown = false;
        Assert.Null(await seal);
        Assert.False(_outboxes.TryWithdraw(Run, new Rank(0), Id(1)));
    }

    [Fact]
    public async Task TryWithdraw_WhatNobodyListenedFor_NeverLeft()
    {
        await _service.DisposeAsync();
        var seal = _outboxes.Add(Run, Snapshot(1, 1, SnapshotOutcome.Sealed));

        await Waiting.UntilAsync(() => _outboxes.TryWithdraw(Run, new Rank(0), Id(1)), () => "it could not be withdrawn");
        Assert.Equal(ErrorCode.CheckpointConflict, (await seal)?.Code);
    }

    [Fact]
    public async Task Add_RefusalsBeyondTheBound_GiveUpTheOldestRefusalOnly()
    {
        _service.IsDown = true;
        var shard = _outboxes.Add(Run, Shard(1, 1));
        var refusals = Enumerable.Range(2, RankOutbox.MaxPendingRefusals)
            .Select(step => _outboxes.Add(Run, Snapshot(1, step, SnapshotOutcome.Refused)))
            .ToList();
        Assert.DoesNotContain(refusals, refusal => refusal.IsCompleted);
        refusals.Add(_outboxes.Add(Run, Snapshot(1, 1000, SnapshotOutcome.Refused)));
        Assert.Equal(ErrorCode.LimitExceeded, (await refusals[0])?.Code);

        _service.IsDown = false;
        Assert.Null(await shard);
        Assert.All(await Task.WhenAll(refusals.Skip(1)), Assert.Null);
        Assert.Equal(1 + RankOutbox.MaxPendingRefusals, _service.Taken.Count);
    }

    private static CheckpointId Id(int step) => new(new Step(step), new Attempt(1));

    private static ReportSteps Steps(int attempt, params int[] steps) => new()
    {
        Attempt = new Attempt(attempt),
        Reports = [.. steps.Select(step => new StepReport { Step = new Step(step), Loss = 1.0 / step })],
    };

    private static SnapshotReport Snapshot(int attempt, int step, SnapshotOutcome outcome) => new()
    {
        Attempt = new Attempt(attempt),
        Step = new Step(step),
        Rank = new Rank(0),
        Node = "node-a",
        Outcome = outcome,
        Durable = true,
    };

    private static ShardReport Shard(int attempt, int step) => new()
    {
        Attempt = new Attempt(attempt),
        Checkpoint = new CheckpointId(new Step(step), new Attempt(attempt)),
        Rank = new Rank(0),
        IndexSha256 = new string('a', 64),
        IndexBytes = 1,
        Image = new Worlds.TestWorld(1).Sealed(new Rank(0)),
        StoredBytes = 1,
        PackBytes = 1,
        DrainMs = 1,
    };
}
