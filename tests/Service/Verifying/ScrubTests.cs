using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Hosting;
using Checkpointer.Service.Tests.Driving;
using Checkpointer.Service.Verifying;
using Checkpointer.Storage;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Faults;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Service.Tests.Verifying;

/// <summary>The scrub's rounds, under a clock that the tests move.</summary>
public sealed class ScrubTests : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromHours(6);

    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private volatile StoreFault _fault = StoreFault.None;
    private int _hung;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Rounds_NeverVerifiedNewestFirst_ThenTheOldestVerification()
    {
        await using var service = await StartAsync();
        var (agents, ids) = await SaveAsync(service, 3);

        await ExpectScrubsAsync(service, ids, 2, 1, 0);
        var first = (await LookAsync(service, ids[2])).Verification!;
        await ExpectScrubsAsync(service, ids, 2);

        Assert.Equal((VerificationOutcome.Good, VerifiedBy.Scrub), (first.Report.Outcome, first.Report.By));
        Assert.Equal((2, 2, 2), (first.Report.Shards, first.Report.Packs, first.Report.Chunks));
        Assert.Empty(await IncidentsAsync(service));

        // One that is new goes before all that were verified.
        var newest = await agents.SaveAsync(new Attempt(1), 9, Cancel);
        _ = await CommittedAsync(service, newest);
        await ExpectScrubsAsync(service, [.. ids, newest], 3);
    }

    [Fact]
    public async Task Damage_IsRecordedAndAnIncident()
    {
        await using var service = await StartAsync();
        var (agents, ids) = await SaveAsync(service, 1);
        var key = RepositoryKeys.Pack(agents.Run, ids[0], new Rank(1), 0);
        var pack = await service.Store.ReadAllAsync(key, 1 << 20, Cancel);
        pack[^1] ^= 1;
        await service.Store.PutAsync(key, new ObjectContent(pack), Cancel);

        await ExpectScrubsAsync(service, ids, 0);

        var report = (await LookAsync(service, ids[0])).Verification!.Report;
        Assert.Equal(VerificationOutcome.Damaged, report.Outcome);
        Assert.Equal(["rng.1"], Assert.Single(report.Findings).Tensors.Where(tensor => tensor.StartsWith("rng", StringComparison.Ordinal)));
        var incident = Assert.Single(await IncidentsAsync(service));
        Assert.Equal((IncidentKind.CheckpointDamaged, (Step?)ids[0].Step), (incident.Kind, incident.Step));
        Assert.Equal([new Rank(1)], incident.Ranks);
        Assert.Contains(key.Value, incident.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Outage_IsIncomplete_AndTriedAgainBeforeAWholeInterval()
    {
        await using var service = await StartAsync();
        var (_, ids) = await SaveAsync(service, 1);
        _fault = StoreFault.FailBefore;
        await ExpectScrubsAsync(service, ids, 0);
        Assert.Equal(VerificationOutcome.Incomplete, (await LookAsync(service, ids[0])).Verification!.Report.Outcome);
        Assert.Empty(await IncidentsAsync(service));

        _fault = StoreFault.None;
        var began = _time.GetUtcNow();
        await AdvanceUntilAsync(service, ids[0], verification => verification is { Report.Outcome: VerificationOutcome.Good });

        Assert.True(_time.GetUtcNow() - began < Interval, "an outage is no reason to wait for the next round");
    }

    [Fact]
    public async Task Restart_NeitherSkipsNorRepeatsARound()
    {
        IReadOnlyList<CheckpointId> ids;
        await using (var service = await StartAsync())
        {
            (_, ids) = await SaveAsync(service, 2);
            await ExpectScrubsAsync(service, ids, 1);
        }

        await using var again = await StartAsync();
        await AdvanceUntilAsync(again, ids[0], verification => verification is not null);

        var at = await VerifiedAtAsync(again, ids);
        Assert.InRange(at[0]!.Value - at[1]!.Value, Interval, Interval + TimeSpan.FromMinutes(30));
    }

    [Fact]
    public async Task IntervalZero_NeverScrubs()
    {
        await using var service = await StartAsync(options => options with { ScrubInterval = TimeSpan.Zero });

        var worker = service.Services.GetServices<IHostedService>().OfType<ScrubWorker>().Single();
        await worker.ExecuteTask!.WaitAsync(TimeSpan.FromSeconds(20), Cancel);
    }

    [Fact]
    public async Task Stop_InTheMiddleOfAScrub_IsSoon()
    {
        var service = await StartAsync();
        var (_, ids) = await SaveAsync(service, 1);
        _fault = StoreFault.Hang;
        _ = await Eventually.GetAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromMinutes(10));
                return Task.FromResult(Volatile.Read(ref _hung));
            },
            hung => hung > 0,
            Cancel);
        var began = TimeProvider.System.GetTimestamp();

        await service.DisposeAsync();

        Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(5));
        _fault = StoreFault.None;
        await using var again = await StartAsync();
        await AdvanceUntilAsync(again, ids[0], verification => verification is { Report.Outcome: VerificationOutcome.Good });
    }

    private Task<RunningService> StartAsync(Func<ServiceOptions, ServiceOptions>? change = null) => RunningService.StartAsync(
        _folder.Path,
        options => (change ?? (same => same))(options with { ScrubInterval = Interval }),
        store => new FaultInjectingObjectStore(
            store,
            (operation, key) =>
            {
                if (operation != StoreOperation.Read || !key.EndsWith(".pack", StringComparison.Ordinal) || _fault == StoreFault.None)
                {
                    return StoreFault.None;
                }

                _ = Interlocked.Increment(ref _hung);
                return _fault;
            },
            TimeProvider.System),
        _time);

    private async Task<(FakeAgents Agents, IReadOnlyList<CheckpointId> Ids)> SaveAsync(RunningService service, int count)
    {
        var agents = new FakeAgents(service.Http, service.Store);
        var attempt = await agents.JoinAllAsync("one", Cancel);
        var ids = new List<CheckpointId>();
        for (var step = 1; step <= count; step++)
        {
            ids.Add(await agents.SaveAsync(attempt, step, Cancel));
            _ = await CommittedAsync(service, ids[^1]);
            _time.Advance(TimeSpan.FromMinutes(1));
        }

        return (agents, ids);
    }

    private static Task<CheckpointSummary> CommittedAsync(RunningService service, CheckpointId id) =>
        Eventually.GetAsync(() => LookAsync(service, id), summary => summary.State == CheckpointState.Committed, Cancel);

    private static Task<CheckpointSummary> LookAsync(RunningService service, CheckpointId id) =>
        service.GetAsync($"v1/runs/demo/checkpoints/{id}", ContractsJsonContext.Default.CheckpointSummary, Cancel);

    private static async Task<IReadOnlyList<Incident>> IncidentsAsync(RunningService service) =>
        (await service.GetAsync("v1/runs/demo/incidents", ContractsJsonContext.Default.PageIncident, Cancel)).Items;

    /// <summary>Moves the clock until a checkpoint's verification is what is waited for.</summary>
    private async Task AdvanceUntilAsync(RunningService service, CheckpointId id, Predicate<Verification?> holds) =>
        await Eventually.GetAsync(
            () =>
            {
                // Again and again: the worker may not have set its timer yet when the clock is moved.
                _time.Advance(TimeSpan.FromMinutes(1));
                return LookAsync(service, id);
            },
            summary => holds(summary.Verification),
            Cancel);

    /// <summary>The next scrubs are of <paramref name="order"/>, and no other checkpoint is touched by each.</summary>
    private async Task ExpectScrubsAsync(RunningService service, IReadOnlyList<CheckpointId> ids, params int[] order)
    {
        foreach (var next in order)
        {
            var before = await VerifiedAtAsync(service, ids);
            _time.Advance(Interval - TimeSpan.FromHours(1));
            await AdvanceUntilAsync(service, ids[next], verification => verification is not null && verification.At != before[next]);
            var after = await VerifiedAtAsync(service, ids);
            Assert.Equal([next], Enumerable.Range(0, ids.Count).Where(i => after[i] != before[i]));
        }
    }

    private static async Task<List<DateTimeOffset?>> VerifiedAtAsync(RunningService service, IReadOnlyList<CheckpointId> ids)
    {
        var at = new List<DateTimeOffset?>();
        foreach (var id in ids)
        {
            at.Add((await LookAsync(service, id)).Verification?.At);
        }

        return at;
    }
}
