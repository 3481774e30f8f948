using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Journal.Tests.Memory;
using Checkpointer.Service.Agents;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Journal;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Telemetry;
using Checkpointer.Service.Tests.Driving;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Service.Tests.Coordination;

/// <summary>The host of runs on a journal whose every step the test decides.</summary>
public sealed class RunHostTests : IAsyncDisposable
{
    private static readonly RunId Run = RunId.Parse("demo");

    private readonly MemoryJournal _memory = new();
    private readonly HeldJournal _journal;
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly RunChanges.Subscription _changes;
    private readonly RunHost _host;

    public RunHostTests()
    {
        _journal = new HeldJournal(_memory);
        var options = RunningService.Options("/unused");
        var time = new FakeTimeProvider();
        var changes = new RunChanges();
        _changes = changes.Subscribe();
        _host = new RunHost(
            _ => Task.FromResult<IJournal>(_journal),
            options,
            changes,
            time,
            new ServiceMetrics(_services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>(), new AgentRegistry(options, time)),
            NullLogger<RunHost>.Instance);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(Cancel);
        await _services.DisposeAsync();
    }

    [Fact]
    public async Task Execute_AnswersOnlyWhenDurable_AndReadsWaitToo()
    {
        await _host.StartAsync(Cancel);
        var join = _host.TakeAsync(Run, Join(0), Cancel);
        var repeat = _host.TakeAsync(Run, Join(0), Cancel);
        var read = _host.ReadAsync(Run, state => state.Summarise(), Cancel);
        var list = _host.ListRunsAsync(null, 10, Cancel);
        await _journal.Waiting(4);

        Assert.All(new Task[] { join, repeat, read, list }, task => Assert.False(task.IsCompleted));
        _journal.Release();
        Assert.Equal(1, (await join).JoinedRanks);
        Assert.Equal(1, (await repeat).JoinedRanks);
        Assert.Equal(Run, (await read).Run);
        Assert.Equal(Run, Assert.Single((await list).Items).Run);
    }

    [Fact]
    public async Task Execute_CallerLeaves_LoopsHearOfItAllTheSame()
    {
        await _host.StartAsync(Cancel);
        using var left = new CancellationTokenSource();
        var join = _host.TakeAsync(Run, Join(0), left.Token);
        await _journal.Waiting(1);
        await left.CancelAsync();

        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => join);
        Assert.Equal([Run], await _changes.NextAsync(Cancel));
        _journal.Release();
        Assert.Equal(Run, (await _host.ReadAsync(Run, state => state.Summarise(), Cancel)).Run);
    }

    [Fact]
    public async Task Take_BeyondTheLimit_IsUnavailableAndTransient()
    {
        await _host.StartAsync(Cancel);
        var waiting = Enumerable.Range(0, CoordinationLimits.MaxPendingCommands)
            .Select(_ => _host.TakeAsync(Run, Join(0), Cancel)).ToList();

        var refused = await Assert.ThrowsAsync<CheckpointerException>(() => _host.TakeAsync(Run, Join(0), Cancel));

        Assert.Equal((ErrorCode.ServiceUnavailable, true), (refused.Code, refused.IsTransient));
        _journal.Release();
        _ = await Task.WhenAll(waiting);
        _ = await _host.TakeAsync(Run, Join(1), Cancel);
    }

    [Fact]
    public async Task Execute_RunsBeyondTheLimit_AreRefused_KnownOnesGoOn()
    {
        await _host.StartAsync(Cancel);
        _journal.Release();
        for (var i = 0; i < CoordinationLimits.MaxRuns; i++)
        {
            _ = await _host.TakeAsync(RunId.Parse($"run-{i}"), Join(0), Cancel);
        }

        var refused = await Assert.ThrowsAsync<CheckpointerException>(() => _host.TakeAsync(Run, Join(0), Cancel));
        Assert.Equal(ErrorCode.LimitExceeded, refused.Code);
        Assert.Equal(2, (await _host.TakeAsync(RunId.Parse("run-0"), Join(1), Cancel)).JoinedRanks);
    }

    [Fact]
    public async Task Execute_JournalBreaks_NothingMoreIsAnswered()
    {
        await _host.StartAsync(Cancel);
        _journal.Release();
        _ = await _host.TakeAsync(Run, Join(0), Cancel);
        Assert.True(_host.IsReady);
        _memory.Break();

        foreach (var call in new Func<Task>[]
        {
            () => _host.TakeAsync(Run, Join(1), Cancel),
            () => _host.ReadAsync(Run, state => state.Summarise(), Cancel),
            () => _host.ListRunsAsync(null, 10, Cancel),
        })
        {
            var refused = await Assert.ThrowsAsync<CheckpointerException>(call);
            Assert.Equal((ErrorCode.ServiceUnavailable, true), (refused.Code, refused.IsTransient));
        }

        Assert.False(_host.IsReady);
        _ = await Assert.ThrowsAsync<JournalException>(() => _host.Completion);
    }

    [Fact]
    public async Task Execute_AppendFails_CallerIsToldToTryAgain_AndTheHostHasFailed()
    {
        await _host.StartAsync(Cancel);
        _journal.Release();
        _ = await _host.TakeAsync(Run, Join(0), Cancel);
        Assert.False(_host.Completion.IsCompleted);
        _journal.AppendFails = JournalException.Failed("here", new IOException("no space"));

        var refused = await Assert.ThrowsAsync<CheckpointerException>(() => _host.TakeAsync(Run, Join(1), Cancel));

        Assert.Equal((ErrorCode.ServiceUnavailable, true), (refused.Code, refused.IsTransient));
        Assert.Same(_journal.AppendFails, await Assert.ThrowsAsync<JournalException>(Ended));
        Assert.False(_host.IsReady);
    }

    [Fact]
    public async Task ChooseRepository_AppendFails_IsAsForAnyOther()
    {
        await _host.StartAsync(Cancel);
        _journal.Release();
        _journal.AppendFails = JournalException.Failed("here", new IOException("no space"));

        var refused = await Assert.ThrowsAsync<CheckpointerException>(
            () => _host.TryChooseRepositoryAsync(new string('a', 32), "a store", Cancel));

        Assert.Equal((ErrorCode.ServiceUnavailable, true), (refused.Code, refused.IsTransient));
        Assert.Same(_journal.AppendFails, await Assert.ThrowsAsync<JournalException>(Ended));
        Assert.False(_host.IsReady);
        Assert.Null(_host.BoundRepository);
    }

    [Fact]
    public async Task Execute_StateCannotFollow_TheHostHasFailed()
    {
        await _host.StartAsync(Cancel);
        _journal.Release();
        _journal.AppendFails = new InvalidOperationException("a bug");

        _ = await Assert.ThrowsAsync<InvalidOperationException>(() => _host.TakeAsync(Run, Join(0), Cancel));

        Assert.Same(_journal.AppendFails, await Assert.ThrowsAsync<InvalidOperationException>(Ended));
        Assert.False(_host.IsReady);
    }

    private Task Ended() => _host.Completion.WaitAsync(TimeSpan.FromSeconds(20), Cancel);

    private static JoinRank Join(int rank) => new(new JoinRun
    {
        Incarnation = "one",
        Rank = new Rank(rank),
        WorldSize = 3,
        Agent = new() { Node = $"n{rank}", Instance = "1", Address = "http://h:1", Holdings = [] },
    });
}
