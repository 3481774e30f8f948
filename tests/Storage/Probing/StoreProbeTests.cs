using Checkpointer.Formats.Errors;
using Checkpointer.Storage.FileSystem;
using Checkpointer.Storage.Probing;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Faults;
using Checkpointer.TestKit.Stores;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Storage.Tests.Probing;

public sealed class StoreProbeTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 24, 12, 0, 0, TimeSpan.Zero));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FileSystem_PassesAll_AndNothingIsLeft()
    {
        using var folder = new TemporaryFolder();
        using var files = new FileSystemObjectStore(folder.Path);

        var report = await new StoreProbe(files, TimeProvider.System, new Random(1))
            .RunAsync(new ProbeOptions { SampleBytes = (16 << 20) + 5 }, Cancel);

        Assert.All(report.Results, result => Assert.Equal((ProbeOutcome.Passed, null), (result.Outcome, result.Problem)));
        Assert.Equal(Enum.GetValues<ProbeCheck>(), report.Results.Select(result => result.Check));
        Assert.True(report.IsUsable);
        Assert.Equal(TimeSpan.Zero, report.ClockSkew);
        Assert.True(report.PutBytesPerSecond > 0 && report.GetBytesPerSecond > 0);
        Assert.Empty(await ListAsync(files));
    }

    [Fact]
    public async Task PutIfAbsentIgnored_IsBroken_AndSaysSo()
    {
        var broken = AssertBroken(await ProbeAsync(new UnconditionalStore(_time)), ProbeCheck.ConditionalPut);

        Assert.Contains("replaced the object", broken.Problem, StringComparison.Ordinal);
        Assert.Contains("If-None-Match", broken.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PutIfAbsentAnsweredAsCreated_IsBroken() => Assert.Contains(
        "as if it had created",
        AssertBroken(await ProbeAsync(new FlatteringStore(_time)), ProbeCheck.ConditionalPut).Problem,
        StringComparison.Ordinal);

    [Fact]
    public async Task PutIfAbsentNotAtomic_IsBroken() => Assert.Contains(
        "not atomic",
        AssertBroken(await ProbeAsync(new RacyStore(_time)), ProbeCheck.ConditionalPut).Problem,
        StringComparison.Ordinal);

    [Fact]
    public async Task PutIfAbsentRefused_IsBroken() => Assert.Contains(
        "NotImplemented",
        AssertBroken(await ProbeAsync(new RefusingStore(_time)), ProbeCheck.ConditionalPut).Problem,
        StringComparison.Ordinal);

    [Fact]
    public async Task FirstAnswerLostAndTriedAgain_IsNoFault() =>
        Assert.True((await ProbeAsync(new ForgetfulStore(_time))).IsUsable);

    [Fact]
    public async Task EverySecondReadFlipped_IsReadOnceMore_AndNoFault() =>
        Assert.True((await ProbeAsync(new FlippingStore(_time, each: 2))).IsUsable);

    [Fact]
    public async Task EveryReadFlipped_IsBroken() => AssertBroken(
        await ProbeAsync(new FlippingStore(_time, each: 1)), ProbeCheck.ReadAfterWrite, also: [ProbeCheck.ConditionalPut, ProbeCheck.RangedRead]);

    [Fact]
    public async Task WritesLost_IsBroken() => AssertBroken(
        await ProbeAsync(new LosingStore(_time)), ProbeCheck.ReadAfterWrite, also: [ProbeCheck.RangedRead, ProbeCheck.ListAfterWrite, ProbeCheck.Clock]);

    [Fact]
    public async Task OldBytesRead_IsBroken() => AssertBroken(
        await ProbeAsync(new CachingStore(_time)), ProbeCheck.ReadAfterWrite);

    [Fact]
    public async Task RangeIgnored_IsBroken() => AssertBroken(
        await ProbeAsync(new RangelessStore(_time)), ProbeCheck.RangedRead);

    [Fact]
    public async Task ListingLags_IsBroken() => AssertBroken(
        await ProbeAsync(new LaggingStore(_time)), ProbeCheck.ListAfterWrite);

    [Fact]
    public async Task DeletesIgnored_IsBroken() => AssertBroken(
        await ProbeAsync(new KeepingStore(_time)), ProbeCheck.Delete);

    [Theory]
    [InlineData(31, ProbeOutcome.Warned, "31 s ahead of")]
    [InlineData(-40, ProbeOutcome.Warned, "40 s behind")]
    [InlineData(30, ProbeOutcome.Passed, null)]
    [InlineData(-1, ProbeOutcome.Passed, null)]
    public async Task ClockOff_IsMeasuredAndWarnedOf(int seconds, ProbeOutcome outcome, string? says)
    {
        var report = await ProbeAsync(new MemoryObjectStore(new SkewedTime(_time, TimeSpan.FromSeconds(seconds))));

        var clock = report.Results.Single(result => result.Check == ProbeCheck.Clock);
        Assert.Equal(outcome, clock.Outcome);
        Assert.True(report.IsUsable);
        Assert.Equal(seconds == -1 ? 0 : seconds, report.ClockSkew!.Value.TotalSeconds);
        if (says is not null)
        {
            Assert.Contains(says, clock.Problem, StringComparison.Ordinal);
            Assert.Contains("NTP", clock.Remedy, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Outage_IsNoVerdict_AndTheRestIsSkipped()
    {
        var store = new FaultInjectingObjectStore(
            new MemoryObjectStore(_time), (_, _) => StoreFault.FailBefore, _time);

        var report = await ProbeAsync(store);

        Assert.False(report.IsUsable);
        Assert.False(report.IsBroken);
        Assert.Equal((ProbeCheck.ReadAfterWrite, ErrorCode.StorageUnavailable), (report.FirstUnavailable!.Check, report.FirstUnavailable.Error));
        Assert.All(report.Results.Skip(1), result => Assert.Equal(ProbeOutcome.Skipped, result.Outcome));
        Assert.Equal(1, store.InjectedCount);
    }

    [Fact]
    public async Task LeftByDeadProbes_IsDeletedOnlyWhenOlderThanADayByTheStoresClock()
    {
        var store = new MemoryObjectStore(new SkewedTime(_time, TimeSpan.FromDays(300)));
        await store.PutAsync(new ObjectKey("probes/dead/a"), new ObjectContent(new byte[1]), Cancel);
        await store.PutAsync(new ObjectKey("runs/probes/a"), new ObjectContent(new byte[1]), Cancel);
        _time.Advance(TimeSpan.FromHours(2));
        await store.PutAsync(new ObjectKey("probes/living/a"), new ObjectContent(new byte[1]), Cancel);
        _time.Advance(TimeSpan.FromHours(23));

        _ = await ProbeAsync(store);

        Assert.Equal(["probes/living/a", "runs/probes/a"], store.Keys);
    }

    [Fact]
    public async Task Cancelled_LeavesNothing()
    {
        var inner = new MemoryObjectStore(_time);
        using var cancel = new CancellationTokenSource();
        var store = new FaultInjectingObjectStore(
            inner,
            (operation, _) =>
            {
                if (operation == StoreOperation.List)
                {
                    cancel.Cancel();
                }

                return StoreFault.None;
            },
            _time);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new StoreProbe(store, _time, new Random(1)).RunAsync(new ProbeOptions(), cancel.Token));

        Assert.Empty(inner.Keys);
    }

    [Fact]
    public async Task TwoProbesOfOneStore_DoNotDisturbEachOther()
    {
        var store = new MemoryObjectStore(_time);

        var reports = await Task.WhenAll(Enumerable.Range(0, 8).Select(
            seed => new StoreProbe(store, _time, new Random(seed)).RunAsync(new ProbeOptions(), Cancel)));

        Assert.All(reports, report => Assert.True(report.IsUsable));
        Assert.Empty(store.Keys);
    }

    private static ProbeResult AssertBroken(ProbeReport report, ProbeCheck check, params ProbeCheck[] also)
    {
        Assert.True(report.IsBroken);
        Assert.Equal(check, report.FirstBroken!.Check);
        Assert.Equal(
            [check, .. also],
            report.Results.Where(result => result.Outcome == ProbeOutcome.Broken).Select(result => result.Check));
        Assert.NotNull(report.FirstBroken.Remedy);
        return report.FirstBroken;
    }

    private static async Task<List<string>> ListAsync(FileSystemObjectStore store)
    {
        var keys = new List<string>();
        await foreach (var info in store.ListAsync("", Cancel))
        {
            keys.Add(info.Key.Value);
        }

        return keys;
    }

    private Task<ProbeReport> ProbeAsync(IObjectStore store) =>
        new StoreProbe(store, _time, new Random(7)).RunAsync(new ProbeOptions(), Cancel);
}
