using Checkpointer.Storage.Resilience;

namespace Checkpointer.Storage.Tests.Resilience;

public sealed class AdaptiveConcurrencyTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AcquireAsync_BeyondTheLimit_WaitsInOrder()
    {
        var lane = new AdaptiveConcurrency(4);
        var held = Take(lane, 2);
        Assert.Null(lane.TryAcquire());
        Task<ConcurrencyPermit>[] waiting = [.. Enumerable.Range(0, 3).Select(_ => lane.AcquireAsync(Cancel).AsTask())];
        Assert.Equal((2, 3), (lane.InFlight, lane.Waiting));

        held[1].Release(PermitResult.Neutral);
        var second = await waiting[0];
        Assert.False(waiting[1].IsCompleted);
        second.Release(PermitResult.Neutral);
        var third = await waiting[1];
        Assert.False(waiting[2].IsCompleted);
        held[0].Release(PermitResult.Neutral);
        third.Release(PermitResult.Neutral);
        (await waiting[2]).Release(PermitResult.Neutral);
        Assert.Equal((0, 0), (lane.InFlight, lane.Waiting));
    }

    [Fact]
    public async Task AcquireAsync_CancelledWhileWaiting_TakesNothingAndHoldsUpNobody()
    {
        var lane = new AdaptiveConcurrency(4);
        var held = Take(lane, 2);
        using var cancel = new CancellationTokenSource();
        var cancelled = lane.AcquireAsync(cancel.Token).AsTask();
        var next = lane.AcquireAsync(Cancel).AsTask();

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        Assert.Equal(1, lane.Waiting);
        held[0].Release(PermitResult.Neutral);

        (await next).Release(PermitResult.Neutral);
        held[1].Release(PermitResult.Neutral);
        Assert.Equal((0, 0), (lane.InFlight, lane.Waiting));
    }

    [Fact]
    public void Lanes_AtFirst_LetReadsHaveAllPlacesAndOthersHalf()
    {
        var lanes = new Lanes(new ResilienceOptions());
        Assert.Equal((32, 16, 32), (lanes[Lane.Read].Limit, lanes[Lane.Write].Limit, lanes[Lane.Small].Limit));
        Take(lanes[Lane.Read], 32)[0].Release(PermitResult.Overloaded);
        Assert.Equal(16, lanes[Lane.Read].Limit);
    }

    [Fact]
    public void Release_Overloaded_HalvesOncePerRoundTrip()
    {
        var lane = new AdaptiveConcurrency(32);
        Assert.Equal(16, lane.Limit);
        var round = Take(lane, 16);
        foreach (var permit in round)
        {
            permit.Release(PermitResult.Overloaded);
        }

        Assert.Equal(8, lane.Limit);
        foreach (var permit in Take(lane, 8))
        {
            permit.Release(PermitResult.Overloaded);
        }

        Assert.Equal(4, lane.Limit);
        for (var i = 0; i < 4; i++)
        {
            Assert.Single(Take(lane, 1)).Release(PermitResult.Overloaded);
        }

        Assert.Equal(AdaptiveConcurrency.MinLimit, lane.Limit);
    }

    [Fact]
    public void Release_Answered_GrowsByOneARoundOnlyWhereTheLimitHeldBack()
    {
        var lane = new AdaptiveConcurrency(8);
        for (var i = 0; i < 100; i++)
        {
            Assert.Single(Take(lane, 1)).Release(PermitResult.Answered);
        }

        Assert.Equal(4, lane.Limit);
        for (var round = 0; round < 20; round++)
        {
            var before = lane.Limit;
            var held = Take(lane, before);
            for (var i = 0; i <= before && lane.Limit == before; i++)
            {
                // A full lane: one ends, the next begins.
                held[0].Release(PermitResult.Answered);
                held[0] = lane.TryAcquire()!.Value;
            }

            Assert.Equal(Math.Min(8, before + 1), lane.Limit);
            held.ForEach(permit => permit.Release(PermitResult.Neutral));
        }

        Assert.Equal((8, 0), (lane.Limit, lane.InFlight));
    }

    /// <summary>A store that bears so many at once and tells all beyond to slow down: what gets through stays near that, and follows it.</summary>
    [Fact]
    public void Limit_FollowsWhatTheStoreBears()
    {
        var lane = new AdaptiveConcurrency(64);
        Assert.InRange(AverageOver(lane, capacity: 10, rounds: 400), 5, 12);
        Assert.InRange(AverageOver(lane, capacity: 40, rounds: 1500), 22, 46);
        Assert.InRange(AverageOver(lane, capacity: 4, rounds: 400), 2, 6);
        Assert.InRange(AverageOver(lane, capacity: 1000, rounds: 3000), 55, 64);
        Assert.Equal(0, lane.InFlight);
    }

    [Fact]
    public async Task Everything_AtOnceWithCancellation_LeaksNothingAndKeepsTheLimit()
    {
        var lane = new AdaptiveConcurrency(8);
        var most = 0;
        await Parallel.ForAsync(0, 5000, new ParallelOptions { MaxDegreeOfParallelism = 64, CancellationToken = Cancel }, async (i, _) =>
        {
            using var cancel = new CancellationTokenSource();
            var acquiring = lane.AcquireAsync(cancel.Token).AsTask();
            if (i % 3 == 0)
            {
                await cancel.CancelAsync();
            }

            try
            {
                var permit = await acquiring;
                InterlockedMax(ref most, lane.InFlight);
                await Task.Yield();
                permit.Release((PermitResult)(i % 3));
            }
            catch (OperationCanceledException)
            {
                Assert.Equal(0, i % 3);
            }
        });

        Assert.Equal((0, 0), (lane.InFlight, lane.Waiting));
        Assert.InRange(most, 1, 8);
        Take(lane, lane.Limit).ForEach(permit => permit.Release(PermitResult.Neutral));
    }

    private static double AverageOver(AdaptiveConcurrency lane, int capacity, int rounds)
    {
        double sum = 0;
        for (var round = 0; round < rounds; round++)
        {
            var held = Take(lane, lane.Limit);
            for (var i = 0; i < held.Count; i++)
            {
                held[i].Release(i < capacity ? PermitResult.Answered : PermitResult.Overloaded);
                held[i] = lane.TryAcquire() ?? default;
            }

            held.Where(permit => permit.Owner is not null).ToList().ForEach(permit => permit.Release(PermitResult.Neutral));
            sum += round >= rounds / 2 ? lane.Limit : 0;
        }

        return sum / (rounds - (rounds / 2));
    }

    private static List<ConcurrencyPermit> Take(AdaptiveConcurrency lane, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => Assert.NotNull(lane.TryAcquire()))];

    private static void InterlockedMax(ref int most, int value)
    {
        for (var seen = Volatile.Read(ref most); value > seen; seen = Volatile.Read(ref most))
        {
            _ = Interlocked.CompareExchange(ref most, value, seen);
        }
    }
}
