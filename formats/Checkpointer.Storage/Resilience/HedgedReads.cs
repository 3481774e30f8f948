using System.Buffers;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.Resilience;

/// <summary>
/// Reads of one attempt, asked for a second time when the first answer is slow; the first good answer wins.
/// <para>
/// Not Polly's hedging: that cancels the loser and cleans up in the background, while a loser here still writes into the
/// caller's buffer. Here the second read goes into a buffer of its own, and both have ended before the call returns.
/// </para>
/// </summary>
internal sealed class HedgedReads(
    IObjectStore store, Lanes lanes, ResilienceOptions options, ResilienceTelemetry telemetry, TimeProvider time)
{
    private static readonly TimeSpan LeastDelay = TimeSpan.FromMilliseconds(10);
    private const double FastestBytesPerSecond = 1L << 30;

    // Where reads wait for each other, as in a restore that fills the link, one in twenty takes longer than the percentile
    // by its definition; to ask again for those would only load the link more. Really slow ones pass twice of it, too.
    private const double SlowFactor = 2;

    private readonly HedgeBudget _budget = new(options.HedgedShare);
    private readonly ReadLatencies _latencies = new();

    /// <summary>Fills <paramref name="destination"/>, which nothing touches after the returned task has ended.</summary>
    public async Task<bool> ReadAsync(
        StoreCall call, ObjectKey key, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (!_budget.Covers(destination.Length))
        {
            await store.ReadAsync(key, offset, destination, cancellationToken).ConfigureAwait(false);
            return true;
        }

        var began = time.GetTimestamp();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var first = store.ReadAsync(key, offset, destination, ending.Token);
        if (!await IsSlowAsync(first, call).ConfigureAwait(false) || TryBegin(call) is not { } permit)
        {
            await first.ConfigureAwait(false);
        }
        else
        {
            var buffer = ArrayPool<byte>.Shared.Rent(destination.Length);
            try
            {
                var spare = buffer.AsMemory(0, destination.Length);
                var secondWon = await RaceAsync(
                    call, permit, first, ending, token => store.ReadAsync(key, offset, spare, token), cancellationToken).ConfigureAwait(false);
                if (secondWon)
                {
                    spare.CopyTo(destination);
                }
                else
                {
                    await first.ConfigureAwait(false);
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }

        _latencies.Add(call.Bytes, time.GetElapsedTime(began));
        return true;
    }

    /// <summary>Asks for an object's facts.</summary>
    public async Task<ObjectInfo?> HeadAsync(StoreCall call, ObjectKey key, CancellationToken cancellationToken)
    {
        if (!_budget.Covers(0))
        {
            return await store.HeadAsync(key, cancellationToken).ConfigureAwait(false);
        }

        var began = time.GetTimestamp();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var first = store.HeadAsync(key, ending.Token);
        Task<ObjectInfo?>? second = null;
        var winner = first;
        if (await IsSlowAsync(first, call).ConfigureAwait(false) && TryBegin(call) is { } permit
            && await RaceAsync(
                call, permit, first, ending, token => second = store.HeadAsync(key, token), cancellationToken).ConfigureAwait(false))
        {
            winner = second!;
        }

        var info = await winner.ConfigureAwait(false);
        _latencies.Add(call.Bytes, time.GetElapsedTime(began));
        return info;
    }

    private async Task<bool> IsSlowAsync(Task first, StoreCall call)
    {
        _budget.Earn();
        if (!first.IsCompleted)
        {
            await first.WaitAsync(DelayOf(call.Bytes), time, CancellationToken.None)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return !first.IsCompleted;
    }

    /// <summary>Half the attempt's time until enough is known, and never more; not so short that noise looks slow.</summary>
    private TimeSpan DelayOf(long bytes)
    {
        var least = LeastDelay + (TimeSpan.FromSeconds(1) * (bytes / FastestBytesPerSecond));
        var most = options.AttemptTimeoutOf(bytes) / 2;
        var learnt = (_latencies.SlowFrom(bytes) * SlowFactor) ?? most;
        return learnt < least ? least : learnt > most ? most : learnt;
    }

    /// <summary>A permit for a second read, if there is a free one: it waits behind nobody and takes nobody's turn.</summary>
    private ConcurrencyPermit? TryBegin(StoreCall call)
    {
        if (!_budget.TrySpend(call.Bytes))
        {
            return null;
        }

        var permit = lanes[call.Lane].TryAcquire();
        if (permit is null)
        {
            _budget.Return(call.Bytes);
        }

        return permit;
    }

    /// <summary>Whether the second read is the one to take. Both have ended when this returns, however it ends.</summary>
    private async Task<bool> RaceAsync(
        StoreCall call,
        ConcurrencyPermit permit,
        Task first,
        CancellationTokenSource endFirst,
        Func<CancellationToken, Task> read,
        CancellationToken cancellationToken)
    {
        using var endSecond = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var second = read(endSecond.Token);
        var ended = await Task.WhenAny(first, second).ConfigureAwait(false);
        if (!ended.IsCompletedSuccessfully && !IsAnswer(first))
        {
            await (ended == first ? second : first).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await endFirst.CancelAsync().ConfigureAwait(false);
        await endSecond.CancelAsync().ConfigureAwait(false);
        await ((Task)Task.WhenAll(first, second)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var secondWon = !IsAnswer(first) && second.IsCompletedSuccessfully;
        permit.Release(PermitGate.Judge(second.IsCompletedSuccessfully ? null : second.Exception?.InnerException ?? new OperationCanceledException(), call.Bytes));
        _budget.Return(call.Bytes);
        telemetry.Hedged(call, secondWon);
        return secondWon;
    }

    private static bool IsAnswer(Task read) => read.IsCompletedSuccessfully
        || (read.IsFaulted && read.Exception.InnerException is CheckpointerException { IsTransient: false });
}
