using Checkpointer.Storage.Resilience;

namespace Checkpointer.Storage.Tests.Resilience;

public sealed class TimeoutTests : ResilientStoreFixture
{
    private const int Large = 64 << 20;

    [Fact]
    public async Task Attempt_Hanging_EndsAfterATimeThatItsSizeGives()
    {
        var store = Make(o => o with { SlowestBytesPerSecond = 2 << 20, AttemptTimeout = Seconds(10) });
        var put = store.PutAsync(Key, Content(Large), Cancel);
        var call = await Inner.NextAsync();
        _ = await Time.TimerAsync(Seconds(10 + 32), Seconds(10 + 32));

        Time.Advance(Seconds(41.9));
        Assert.False(call.IsCancelled);
        Time.Advance(Seconds(0.1));
        await call.EndCancelledAsync();

        var failure = await FailureAsync(put);
        AssertPassing(failure);
        Assert.Equal(
            $"The put of '{Key}' ({Large} bytes) did not end within 42 s: the store hangs, or is slower than the slowest that is waited for.",
            failure.Message);
        AssertNothingIsHeld(store);
    }

    [Fact]
    public async Task Call_ThatNeverEnds_IsGivenUpAndSaysWhatHappenedLast()
    {
        var store = Make(o => o with { MaxAttempts = 9, AttemptTimeout = Seconds(15), CallTimeout = Seconds(20) });
        var head = store.HeadAsync(Key, Cancel);
        var first = await Inner.NextAsync();
        await Time.PassAsync(Seconds(15), Seconds(15));
        await first.EndCancelledAsync();
        var pause = await Time.PassAsync(TimeSpan.Zero, Seconds(1));
        var second = await Inner.NextAsync();
        Time.Advance(Seconds(5) - pause);
        await second.EndCancelledAsync();

        var failure = await FailureAsync(head);
        AssertPassing(failure);
        Assert.StartsWith(
            $"The head of '{Key}' was given up after 20 s and 2 attempts. The last failure: The head of '{Key}' did not end within 15 s",
            failure.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Waiting_ForAPlace_CountsNeitherForTheAttemptNorForTheCall()
    {
        var store = Make(o => o with { MaxConcurrentWrites = 2, MaxAttempts = 1 });
        var held = new[] { store.PutAsync(Key, Content(Large), Cancel), store.PutAsync(Key, Content(Large), Cancel) };
        ManualCall[] calls = [await Inner.NextAsync(), await Inner.NextAsync()];
        var third = store.PutAsync(Key, Content(Large), Cancel);
        await Until(() => store.Lanes[Lane.Write].Waiting == 1);

        // The two are told to end and do not, so their places are not free.
        Time.Advance(TimeSpan.FromHours(3));
        await calls[0].CancelledAsync();
        Assert.Equal((false, 0), (third.IsCompleted, Inner.Untaken));
        await calls[0].EndCancelledAsync();

        var call = await Inner.NextAsync();
        Time.Advance(Seconds(15 + 63));
        Assert.False(call.IsCancelled);
        call.Succeed();
        await third.WaitAsync(Seconds(30), Cancel);
        await calls[1].EndCancelledAsync();
        await Task.WhenAll(held.Select(FailureAsync));
        AssertNothingIsHeld(store);
    }

    [Fact]
    public async Task Waiting_ForAPlace_LeavesTheCallItsTime()
    {
        var store = Make(o => o with { MaxConcurrentSmallCalls = 2, CallTimeout = Seconds(20) });
        Task[] held = [store.DeleteAsync(Key, Cancel), store.DeleteAsync(Key, Cancel)];
        ManualCall[] calls = [await Inner.NextAsync(), await Inner.NextAsync()];
        var third = store.DeleteAsync(Key, Cancel);
        await Until(() => store.Lanes[Lane.Small].Waiting == 1);
        Time.Advance(Seconds(14));
        calls[0].Succeed();
        var call = await Inner.NextAsync();
        Time.Advance(Seconds(14));
        Assert.False(call.IsCancelled);
        Time.Advance(Seconds(1));
        await call.EndCancelledAsync();
        Assert.Contains("did not end within 15 s", (await FailureAsync(third)).Message, StringComparison.Ordinal);
        await calls[1].EndCancelledAsync();
        await held[0];
        await FailureAsync(held[1]);
    }

    [Fact]
    public async Task Cancellation_Anywhere_IsTheCallersAndLeavesNothing()
    {
        var store = Make(o => o with { MaxConcurrentWrites = 2, MaxAttempts = 3 });
        using var cancel = new CancellationTokenSource();
        var underWay = store.PutAsync(Key, Content(Large), cancel.Token);
        var call = await Inner.NextAsync();
        var pausing = store.PutAsync(Key, Content(Large), cancel.Token);
        (await Inner.NextAsync()).Fail(ManualObjectStore.Passing());
        _ = await Time.TimerAsync(TimeSpan.Zero, Seconds(1));
        var other = store.PutAsync(Key, Content(Large), Cancel);
        var otherCall = await Inner.NextAsync();
        var waiting = store.PutAsync(Key, Content(Large), cancel.Token);
        await Until(() => store.Lanes[Lane.Write].Waiting == 1);

        await cancel.CancelAsync();
        await call.EndCancelledAsync();
        otherCall.Succeed();

        foreach (var cancelled in new[] { underWay, pausing, waiting })
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.WaitAsync(Seconds(30), Cancel));
        }

        await other.WaitAsync(Seconds(30), Cancel);
        Assert.Equal(0, Inner.Untaken);
        AssertNothingIsHeld(store);
    }
}
