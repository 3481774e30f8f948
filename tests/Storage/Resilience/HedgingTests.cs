using Checkpointer.Formats.Errors;
using Checkpointer.Storage.Resilience;

namespace Checkpointer.Storage.Tests.Resilience;

public sealed class HedgingTests : ResilientStoreFixture
{
    private const int Length = 2 << 20;

    // Half of what an attempt at a read of that length may take.
    private static readonly TimeSpan Unlearnt = TimeSpan.FromSeconds((15 + 2) / 2.0);

    private readonly byte[] _buffer = new byte[Length];

    [Fact]
    public async Task Read_InTime_IsAskedForOnce()
    {
        var store = MakeHedging();
        var read = store.ReadAsync(Key, 0, _buffer, Cancel);
        var first = await Inner.NextAsync();
        await Time.TimerAsync(Unlearnt, Unlearnt);
        Time.Advance(Unlearnt - TimeSpan.FromMilliseconds(1));
        first.Succeed(fill: 1);
        await read.WaitAsync(Seconds(30), Cancel);
        AssertFilled(1);
        Assert.Equal(0, Inner.Untaken);
        AssertNothingIsHeld(store);
    }

    [Fact]
    public async Task Read_SecondWins_TheFirstHasEndedBeforeTheCallDoes_AndSpoilsNothing()
    {
        var store = MakeHedging();
        var (read, first, second) = await BothAsync(store);
        Assert.False(first.Destination.Span.Overlaps(second.Destination.Span));
        second.Succeed(fill: 2);
        await first.CancelledAsync();
        Assert.False(read.IsCompleted);

        // It writes on until it notices.
        first.Destination.Span.Fill(9);
        await first.EndCancelledAsync();
        await read.WaitAsync(Seconds(30), Cancel);
        AssertFilled(2);
        AssertNothingIsHeld(store);
    }

    [Fact]
    public async Task Read_FirstWins_TheSecondIsCancelledAndAwaited()
    {
        var store = MakeHedging();
        var (read, first, second) = await BothAsync(store);
        first.Succeed(fill: 1);
        await second.CancelledAsync();
        Assert.False(read.IsCompleted);
        second.Destination.Span.Fill(9);
        await second.EndCancelledAsync();
        await read.WaitAsync(Seconds(30), Cancel);
        AssertFilled(1);
        AssertNothingIsHeld(store);
    }

    [Fact]
    public async Task Read_FirstFailsInPassing_TheSecondIsWaitedFor()
    {
        var store = MakeHedging();
        var (read, first, second) = await BothAsync(store);
        first.Fail(ManualObjectStore.Passing());
        Assert.False(second.IsCancelled);
        second.Succeed(fill: 2);
        await read.WaitAsync(Seconds(30), Cancel);
        AssertFilled(2);
        AssertNothingIsHeld(store);
    }

    [Fact]
    public async Task Read_SecondFails_TheFirstIsWaitedFor()
    {
        var store = MakeHedging();
        var (read, first, second) = await BothAsync(store);
        second.Fail(ManualObjectStore.SlowDown());
        await Until(() => store.Lanes[Lane.Read].InFlight == 2);
        Assert.False(first.IsCancelled);
        first.Succeed(fill: 1);
        await read.WaitAsync(Seconds(30), Cancel);
        AssertFilled(1);

        // What the second was told counts as well.
        Assert.Equal(16, store.Lanes[Lane.Read].Limit);
        AssertNothingIsHeld(store);
    }

    [Fact]
    public async Task Read_BothFail_TheFirstsFailureIsTheAttempts()
    {
        var store = MakeHedging();
        var (read, first, second) = await BothAsync(store);
        second.Fail(ManualObjectStore.Passing("second"));
        first.Fail(ManualObjectStore.Passing("first"));
        Assert.Equal("first", (await FailureAsync(read)).Message);
        AssertNothingIsHeld(store);
    }

    [Fact]
    public async Task Read_FirstSaysNo_IsAnAnswer()
    {
        var store = MakeHedging();
        var (read, first, second) = await BothAsync(store);
        first.Fail(new CheckpointerException(ErrorCode.NotFound, "none"));
        await second.EndCancelledAsync();
        Assert.Equal(ErrorCode.NotFound, (await FailureAsync(read)).Code);
        AssertNothingIsHeld(store);
    }

    [Fact]
    public async Task Read_Cancelled_EndsWhenBothHave()
    {
        var store = MakeHedging();
        using var cancel = new CancellationTokenSource();
        var (read, first, second) = await BothAsync(store, cancel.Token);
        await cancel.CancelAsync();
        await first.EndCancelledAsync();
        Assert.False(read.IsCompleted);
        await second.EndCancelledAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read.WaitAsync(Seconds(30), Cancel));
        AssertNothingIsHeld(store);
    }

    [Fact]
    public async Task Read_BothHang_IsOneTimeoutOfTheAttempt()
    {
        var store = MakeHedging();
        var (read, first, second) = await BothAsync(store);
        Time.Advance(Seconds(17) - Unlearnt);
        await first.EndCancelledAsync();
        await second.EndCancelledAsync();
        Assert.Contains("did not end within 17 s", (await FailureAsync(read)).Message, StringComparison.Ordinal);
        AssertNothingIsHeld(store);
    }

    [Fact]
    public async Task Read_BeyondTheShare_IsAskedForOnce()
    {
        var store = MakeHedging();
        var (read, first, second) = await BothAsync(store);
        second.Succeed(fill: 2);
        await first.EndCancelledAsync();
        await read.WaitAsync(Seconds(30), Cancel);

        var next = store.ReadAsync(Key, 0, _buffer, Cancel);
        var only = await Inner.NextAsync();
        await Time.PassAsync(Unlearnt, Unlearnt);
        only.Succeed(fill: 3);
        await next.WaitAsync(Seconds(30), Cancel);
        AssertFilled(3);
        Assert.Equal(0, Inner.Untaken);
        AssertNothingIsHeld(store);
    }

    [Fact]
    public async Task Read_WithoutAFreePlace_IsAskedForOnce()
    {
        var store = MakeHedging(o => o with { MaxConcurrentReads = 2 });
        var other = store.ReadAsync(Key, 0, new byte[HedgeBudget.MaxReadBytes + 1], Cancel);
        var othersCall = await Inner.NextAsync();
        var read = store.ReadAsync(Key, 0, _buffer, Cancel);
        var only = await Inner.NextAsync();
        await Time.PassAsync(Unlearnt, Unlearnt);
        only.Succeed(fill: 1);
        othersCall.Succeed();
        await Task.WhenAll(read, other).WaitAsync(Seconds(30), Cancel);
        Assert.Equal(0, Inner.Untaken);
        AssertNothingIsHeld(store);
    }

    [Fact]
    public async Task Delay_IsLearntFromReadsOfThatSize()
    {
        var store = MakeHedging();
        for (var i = 0; i < ReadLatencies.MinSamples; i++)
        {
            var quick = store.ReadAsync(Key, 0, _buffer, Cancel);
            var call = await Inner.NextAsync();
            await Time.TimerAsync(Unlearnt, Unlearnt);
            Time.Advance(TimeSpan.FromMilliseconds(300));
            call.Succeed();
            await quick.WaitAsync(Seconds(30), Cancel);
        }

        var read = store.ReadAsync(Key, 0, _buffer, Cancel);
        var first = await Inner.NextAsync();
        await Time.PassAsync(TimeSpan.FromMilliseconds(600), TimeSpan.FromMilliseconds(600));
        var second = await Inner.NextAsync();
        second.Succeed(fill: 2);
        await first.EndCancelledAsync();
        await read.WaitAsync(Seconds(30), Cancel);
        AssertFilled(2);
    }

    [Fact]
    public async Task Head_Slow_IsAskedForTwice()
    {
        var store = MakeHedging();
        var head = store.HeadAsync(Key, Cancel);
        var first = await Inner.NextAsync();
        await Time.PassAsync(Seconds(7.5), Seconds(7.5));
        (await Inner.NextAsync()).Succeed();
        await first.EndCancelledAsync();
        Assert.Equal(7, (await head.WaitAsync(Seconds(30), Cancel))!.Value.SizeBytes);
        AssertNothingIsHeld(store);
    }

    [Fact]
    public async Task Put_Slow_IsNeverAskedForTwice()
    {
        var store = MakeHedging();
        var put = store.PutAsync(Key, Content(Length), Cancel);
        var call = await Inner.NextAsync();
        Time.Advance(Seconds(16.9));
        call.Succeed();
        await put.WaitAsync(Seconds(30), Cancel);
        Assert.Equal(0, Inner.Untaken);
    }

    private ResilientObjectStore MakeHedging(Func<ResilienceOptions, ResilienceOptions>? change = null) => Make(
        o => (change?.Invoke(o) ?? o) with { HedgedShare = 0.05 });

    private async Task<(Task Read, ManualCall First, ManualCall Second)> BothAsync(
        ResilientObjectStore store, CancellationToken? cancellationToken = null)
    {
        var read = store.ReadAsync(Key, 0, _buffer, cancellationToken ?? Cancel);
        var first = await Inner.NextAsync();
        await Time.PassAsync(Unlearnt, Unlearnt);
        return (read, first, await Inner.NextAsync());
    }

    private void AssertFilled(byte value) => Assert.Equal(-1, _buffer.AsSpan().IndexOfAnyExcept(value));
}
