using System.Runtime.CompilerServices;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.Resilience;
using Polly.CircuitBreaker;

namespace Checkpointer.Storage.Tests.Resilience;

/// <summary>Everything at once, seeded: slow, hanging, failing and throttling, under callers that cancel.</summary>
public sealed class StressTests : ResilientStoreFixture
{
    private const int Calls = 250;
    private const byte Right = 7;
    private const byte Late = 99;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task AnyMixture_LeaksNoPlace_AndTouchesNoBufferLate(int seed)
    {
        var chaos = new ChaosObjectStore(Time, seed);
        var store = new ResilientObjectStore(
            chaos,
            new ResilienceOptions { MaxConcurrentReads = 8, MaxConcurrentSmallCalls = 8, HedgedShare = 0.2, MaxAttempts = 4 },
            Meter,
            Time,
            new Random(seed));
        var random = new Random(seed);
        var plans = Enumerable.Range(0, Calls).Select(_ => (Length: random.Next(3) switch { 0 => 0, 1 => 1000, _ => 1 << 20 }, CancelAfterMs: random.Next(4) == 0 ? random.Next(30_000) : (int?)null)).ToArray();
        var running = Parallel.ForAsync(0, Calls, new ParallelOptions { MaxDegreeOfParallelism = 40, CancellationToken = Cancel }, async (i, _) =>
        {
            using var cancel = plans[i].CancelAfterMs is { } ms ? new CancellationTokenSource(TimeSpan.FromMilliseconds(ms + 1), Time) : new CancellationTokenSource();
            var buffer = new byte[plans[i].Length];
            var ended = "read";
            try
            {
                await (buffer.Length == 0 ? store.HeadAsync(Key, cancel.Token) : store.ReadAsync(Key, 0, buffer, cancel.Token));
            }
            catch (CheckpointerException e)
            {
                ended = e.IsTransient ? "failed" : throw new InvalidOperationException("Nothing here fails for good.", e);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                ended = "cancelled";
            }

            if (ended == "read")
            {
                Assert.Equal(-1, buffer.AsSpan().IndexOfAnyExcept(Right));
            }

            // Whoever still writes after this is found out below.
            chaos.GiveBack(buffer);
        });

        while (!running.IsCompleted)
        {
            Time.Advance(TimeSpan.FromMilliseconds(200));
            await Task.WhenAny(running, Task.Delay(1, Cancel));
        }

        await running;
        Assert.Equal(0, chaos.UnderWay);
        Assert.Equal(0, chaos.LateWrites);
        AssertNothingIsHeld(store);
        Assert.NotEqual(CircuitState.Isolated, store.Breaker.State);
    }

    private sealed class ChaosObjectStore(TimeProvider time, int seed) : IObjectStore
    {
        private readonly Random _random = new(seed);
        private readonly Lock _gate = new();
        private readonly ConditionalWeakTable<byte[], object> _givenBack = [];
        private int _underWay;
        private int _lateWrites;

        public string Description => "chaos";

        public int UnderWay => Volatile.Read(ref _underWay);

        public int LateWrites => Volatile.Read(ref _lateWrites);

        public void GiveBack(byte[] buffer)
        {
            if (buffer.Length > 0)
            {
                _givenBack.Add(buffer, this);
            }
        }

        public async Task ReadAsync(ObjectKey key, long offset, Memory<byte> destination, CancellationToken cancellationToken)
        {
            await ActAsync(destination, cancellationToken);
            Write(destination, Right);
        }

        public async Task<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken)
        {
            await ActAsync(default, cancellationToken);
            return null;
        }

        public Task PutAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<PutOutcome> PutIfAbsentAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task DeleteAsync(ObjectKey key, CancellationToken cancellationToken) => throw new NotSupportedException();

        private async Task ActAsync(Memory<byte> destination, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _underWay);
            try
            {
                var (what, ms) = Draw();
                await Task.Delay(TimeSpan.FromMilliseconds(ms + 1), time, cancellationToken);
                if (what == 0)
                {
                    throw ManualObjectStore.Passing();
                }

                if (what == 1)
                {
                    throw ManualObjectStore.SlowDown(TimeSpan.FromMilliseconds(ms));
                }

                if (what == 2)
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
                }
            }
            catch (OperationCanceledException)
            {
                // Notices late, as a socket does, and has written on until then.
                await Task.Yield();
                Write(destination, Late);
                throw;
            }
            finally
            {
                Interlocked.Decrement(ref _underWay);
            }
        }

        private void Write(Memory<byte> destination, byte value)
        {
            if (System.Runtime.InteropServices.MemoryMarshal.TryGetArray<byte>(destination, out var array)
                && _givenBack.TryGetValue(array.Array!, out _))
            {
                Interlocked.Increment(ref _lateWrites);
            }

            destination.Span.Fill(value);
        }

        private (int What, int Ms) Draw()
        {
            lock (_gate)
            {
                return (_random.Next(12), _random.Next(5) == 0 ? _random.Next(20_000) : _random.Next(300));
            }
        }
    }
}
