using Checkpointer.Formats.Errors;
using Checkpointer.Storage.FileSystem;
using Checkpointer.Storage.Resilience;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Faults;

namespace Checkpointer.Storage.Tests.Resilience;

public sealed class RetryTests : ResilientStoreFixture
{
    [Theory]
    [InlineData(2, true)]
    [InlineData(3, false)]
    public async Task PutAsync_FailingInPassing_IsTriedExactlyMaxAttemptsTimes(int failures, bool succeeds)
    {
        var store = Make(o => o with { MaxAttempts = 3 });
        var put = store.PutAsync(Key, Content(3), Cancel);
        for (var i = 1; i <= failures; i++)
        {
            (await Inner.NextAsync()).Fail(ManualObjectStore.Passing($"stumble {i}"));
            if (i < 3)
            {
                await Time.PassAsync(TimeSpan.Zero, Seconds(5));
            }
        }

        if (succeeds)
        {
            (await Inner.NextAsync()).Succeed();
            await put.WaitAsync(Seconds(30), Cancel);
        }
        else
        {
            Assert.Equal("stumble 3", (await FailureAsync(put)).Message);
        }

        Assert.Equal(0, Inner.Untaken);
        AssertNothingIsHeld(store);
    }

    [Fact]
    public async Task PutAsync_FailingForGood_IsNotRepeated()
    {
        var store = Make(o => o with { MaxAttempts = 5 });
        var put = store.PutAsync(Key, Content(3), Cancel);
        (await Inner.NextAsync()).Fail(new CheckpointerException(ErrorCode.StorageDenied, "no"));

        Assert.Equal(ErrorCode.StorageDenied, (await FailureAsync(put)).Code);
        Assert.Equal(0, Inner.Untaken);
    }

    [Fact]
    public async Task RetryAfter_IsWaitedForWithSomeJitter()
    {
        var store = Make(o => o with { MaxAttempts = 2 });
        var put = store.PutAsync(Key, Content(3), Cancel);
        (await Inner.NextAsync()).Fail(ManualObjectStore.SlowDown(Seconds(8)));
        var wait = await Time.TimerAsync(Seconds(8), Seconds(10));

        Time.Advance(wait - TimeSpan.FromMilliseconds(1));
        Assert.Equal(0, Inner.Untaken);
        Time.Advance(TimeSpan.FromMilliseconds(1));

        (await Inner.NextAsync()).Succeed();
        await put.WaitAsync(Seconds(30), Cancel);
    }

    [Fact]
    public async Task RetryAfter_LongerThanTheLongestWait_IsBounded()
    {
        var store = Make(o => o with { MaxAttempts = 2, MaxRetryDelay = Seconds(20), CallTimeout = null });
        var put = store.PutAsync(Key, Content(3), Cancel);
        (await Inner.NextAsync()).Fail(ManualObjectStore.SlowDown(TimeSpan.FromHours(1)));
        await Time.PassAsync(Seconds(20), Seconds(25));
        (await Inner.NextAsync()).Succeed();
        await put.WaitAsync(Seconds(30), Cancel);
    }

    [Fact]
    public async Task RetryAfter_LongerThanTheCallHas_FailsAtOnceAndSaysWhy()
    {
        var store = Make(o => o with { MaxAttempts = 5, CallTimeout = Seconds(20) });
        var put = store.PutAsync(Key, Content(3), Cancel);
        (await Inner.NextAsync()).Fail(ManualObjectStore.SlowDown(Seconds(21)));
        var failure = await FailureAsync(put);
        AssertPassing(failure, ErrorCode.StorageThrottled);
        Assert.Equal(Seconds(21), failure.RetryAfter);
    }

    [Fact]
    public async Task PutIfAbsent_AnswerLost_RepeatSeesItsOwnObjectAndVerifies()
    {
        using var folder = new TemporaryFolder();
        using var files = new FileSystemObjectStore(folder.Path);
        var bytes = new byte[] { 1, 2, 3 };
        var plain = OverFiles(files, StoreFault.FailAfter);
        Assert.Equal(PutOutcome.AlreadyExists, await plain.PutIfAbsentAsync(Key, new ObjectContent(bytes), Cancel));

        var other = new ObjectKey("runs/r/other");
        await OverFiles(files, StoreFault.FailAfter).PutIfAbsentOrVerifyAsync(other, bytes, Cancel);
        Assert.Equal(bytes, await files.ReadAllAsync(other, 10, Cancel));
    }

    [Fact]
    public async Task ListAsync_FailingInTheMiddle_GivesEachKeyOnce()
    {
        using var folder = new TemporaryFolder();
        using var files = new FileSystemObjectStore(folder.Path);
        string[] keys = ["a", "b", "c", "d"];
        foreach (var key in keys)
        {
            await files.PutAsync(new ObjectKey(key), Content(1), Cancel);
        }

        var store = OverFiles(
            files, StoreFault.None, StoreFault.None, StoreFault.FailBefore, StoreFault.None, StoreFault.None, StoreFault.FailAfter);
        Assert.Equal(keys, await store.ListAsync("", Cancel).Select(info => info.Key.Value).ToListAsync(Cancel));
        AssertNothingIsHeld(store);
    }

    [Fact]
    public async Task ListAsync_AStepHanging_IsCutOffAndTheListingGoesOn()
    {
        using var folder = new TemporaryFolder();
        using var files = new FileSystemObjectStore(folder.Path);
        string[] keys = ["a", "b", "c"];
        foreach (var key in keys)
        {
            await files.PutAsync(new ObjectKey(key), Content(1), Cancel);
        }

        var faulty = new FaultInjectingObjectStore(files, FaultPlans.Script(StoreFault.None, StoreFault.Hang), Time);
        var store = new ResilientObjectStore(
            faulty, new ResilienceOptions { AttemptTimeout = Seconds(17), HedgedShare = 0 }, Meter, Time, new Random(1));
        var list = store.ListAsync("", Cancel).Select(info => info.Key.Value).ToListAsync(Cancel).AsTask();

        // The first step ends by itself; the second hangs, and is repeated after a pause.
        _ = await Time.TimerAsync(Seconds(17), Seconds(17));
        await Time.PassAsync(Seconds(17), Seconds(17));
        await Time.PassAsync(TimeSpan.Zero, Seconds(1));

        Assert.Equal(keys, await list.WaitAsync(Seconds(30), Cancel));
        AssertNothingIsHeld(store);
    }

    private ResilientObjectStore OverFiles(IObjectStore files, params StoreFault[] faults) => new(
        new FaultInjectingObjectStore(files, FaultPlans.Script(faults), TimeProvider.System),
        new ResilienceOptions { RetryDelay = TimeSpan.FromMilliseconds(1) },
        Meter,
        TimeProvider.System,
        new Random(1));
}
