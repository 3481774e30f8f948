using Checkpointer.Formats.Errors;
using Checkpointer.Storage.Resilience;
using Polly.CircuitBreaker;

namespace Checkpointer.Storage.Tests.Resilience;

public sealed class BreakerTests : ResilientStoreFixture
{
    private const int Large = 2 << 20;

    [Fact]
    public async Task Breaker_OpensWhenNearlyEverythingFails_AndSaysSinceWhenAndWhy()
    {
        Time.SetUtcNow(new DateTimeOffset(2026, 11, 24, 14, 3, 12, TimeSpan.Zero));
        var store = Make(o => o with { BreakerAttempts = 4, BreakerPause = Seconds(5) });
        await FailAsync(store, 4);
        Time.Advance(Seconds(1.5));

        var refused = await FailureAsync(store.HeadAsync(Key, Cancel));
        AssertPassing(refused);
        Assert.Equal(
            "The object store (a store by hand) has failed nearly every call since 2026-11-24 14:03:12Z and is tried again in 3.5 s. "
            + "The last failure: stumble 4",
            refused.Message);
        Assert.Equal(Seconds(3.5), refused.RetryAfter);
        Assert.Equal(0, Inner.Untaken);

        // Half-open: one looks, the others are kept away; it closes when that one is well.
        Time.Advance(Seconds(3.5));
        var look = store.HeadAsync(Key, Cancel);
        var call = await Inner.NextAsync();
        Assert.Contains("is being tried again just now", (await FailureAsync(store.HeadAsync(Key, Cancel))).Message, StringComparison.Ordinal);
        call.Succeed();
        await look.WaitAsync(Seconds(30), Cancel);
        Assert.Equal(CircuitState.Closed, store.Breaker.State);
        AssertNothingIsHeld(store);
    }

    [Fact]
    public async Task Breaker_WhoseLookFails_PausesTwiceAsLongUpToABound()
    {
        Time.SetUtcNow(new DateTimeOffset(2026, 11, 24, 14, 3, 12, TimeSpan.Zero));
        var store = Make(o => o with { BreakerAttempts = 4, BreakerPause = Seconds(5), MaxRetryDelay = Seconds(15) });
        await FailAsync(store, 4);
        foreach (var pause in new[] { 5, 10, 15, 15 })
        {
            var refused = await FailureAsync(store.HeadAsync(Key, Cancel));
            Assert.Equal(Seconds(pause), refused.RetryAfter);
            Assert.Contains("since 2026-11-24 14:03:12Z", refused.Message, StringComparison.Ordinal);
            Time.Advance(Seconds(pause));
            await FailAsync(store, 1);
        }
    }

    [Fact]
    public async Task Breaker_IsInsideRetry_WhichWaitsForIt()
    {
        var store = Make(o => o with { BreakerAttempts = 3, MaxAttempts = 6 });
        var head = store.HeadAsync(Key, Cancel);
        for (var i = 0; i < 3; i++)
        {
            (await Inner.NextAsync()).Fail(ManualObjectStore.Passing());
            if (i < 2)
            {
                await Time.PassAsync(TimeSpan.Zero, Seconds(4));
            }
        }

        // The fourth attempt, after the usual pause, is refused; the fifth waits until the breaker looks again.
        await Until(() => store.Breaker.State == CircuitState.Open);
        var usual = await Time.PassAsync(TimeSpan.Zero, Seconds(4));
        await Time.PassAsync(Seconds(5) - usual, (Seconds(5) - usual) * 1.25);
        (await Inner.NextAsync()).Succeed();
        await head.WaitAsync(Seconds(30), Cancel);
        Assert.Equal(CircuitState.Closed, store.Breaker.State);
    }

    [Fact]
    public async Task Breaker_AnswersThatSayNo_NeverOpenIt()
    {
        var store = Make(o => o with { BreakerAttempts = 2 });
        for (var i = 0; i < 20; i++)
        {
            var head = store.HeadAsync(Key, Cancel);
            (await Inner.NextAsync()).Fail(new CheckpointerException(ErrorCode.StorageDenied, "no"));
            await FailureAsync(head);
        }

        Assert.Equal(CircuitState.Closed, store.Breaker.State);
    }

    [Fact]
    public async Task Breaker_ALargeCall_HasASmallOneLookFirst()
    {
        var store = Make(o => o with { BreakerAttempts = 4 });
        await FailAsync(store, 4);
        var refused = store.PutAsync(Key, Content(Large), Cancel);
        Assert.Contains("is tried again in 5 s", (await FailureAsync(refused)).Message, StringComparison.Ordinal);
        Time.Advance(Seconds(5));

        var failing = store.PutAsync(Key, Content(Large), Cancel);
        var look = await Inner.NextAsync();
        Assert.Equal(("head", Key.Value), (look.Operation, look.Key));
        look.Fail(ManualObjectStore.Passing("still away"));
        Assert.Equal("still away", (await FailureAsync(failing)).Message);
        Time.Advance(Seconds(10));

        var put = store.PutAsync(Key, Content(Large), Cancel);
        (await Inner.NextAsync()).Succeed();
        var call = await Inner.NextAsync();
        Assert.Equal("put", call.Operation);

        // The pack is under way for minutes: nobody else waits for it.
        var other = store.HeadAsync(Key, Cancel);
        (await Inner.NextAsync()).Succeed();
        await other.WaitAsync(Seconds(30), Cancel);
        call.Succeed();
        await put.WaitAsync(Seconds(30), Cancel);
        AssertNothingIsHeld(store);
    }

    [Fact]
    public async Task Breaker_OpenedMeanwhile_IsNoticedByThoseWhoWaitForAPlace()
    {
        var store = Make(o => o with { BreakerAttempts = 2, MaxConcurrentSmallCalls = 2 });
        Task[] failing = [store.HeadAsync(Key, Cancel), store.HeadAsync(Key, Cancel)];
        ManualCall[] calls = [await Inner.NextAsync(), await Inner.NextAsync()];
        Task[] waiting = [store.HeadAsync(Key, Cancel), store.HeadAsync(Key, Cancel)];
        await Until(() => store.Lanes[Lane.Small].Waiting == 2);

        calls[0].Fail(ManualObjectStore.Passing());
        await FailureAsync(failing[0]);
        var let = await Inner.NextAsync();
        calls[1].Fail(ManualObjectStore.Passing());
        await FailureAsync(failing[1]);

        var unlucky = await Task.WhenAny(waiting).WaitAsync(Seconds(30), Cancel);
        Assert.Contains("has failed nearly every call", (await FailureAsync(unlucky)).Message, StringComparison.Ordinal);
        let.Succeed();
        await Task.WhenAny(waiting.Where(call => call != unlucky)).WaitAsync(Seconds(30), Cancel);
        Assert.Equal(0, Inner.Untaken);
        AssertNothingIsHeld(store);
    }

    private async Task FailAsync(ResilientObjectStore store, int times)
    {
        for (var i = 1; i <= times; i++)
        {
            var head = store.HeadAsync(Key, Cancel);
            (await Inner.NextAsync()).Fail(ManualObjectStore.Passing($"stumble {i}"));
            await FailureAsync(head);
        }
    }
}
