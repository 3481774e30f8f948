using System.Collections.Concurrent;
using Checkpointer.Agent.Draining;
using Checkpointer.Agent.Tests.Arenas;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Storage;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Faults;
using static Checkpointer.Agent.Tests.Arenas.Engine;
using static Checkpointer.Agent.Tests.Arenas.TestImage;

namespace Checkpointer.Agent.Tests.Draining;

/// <summary>What one object, or all, that storage does not take means for the rest of a drain.</summary>
public sealed class TroubledStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("/dev/shm");
    private readonly Layout _layout = WithReplica(9_500, 3_000);
    private readonly IObjectStore _store;
    private readonly ConcurrentQueue<string> _puts = [];

    public TroubledStoreTests() => _store = ObjectStores.Open(_folder.File("store"));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(StoreFault.FailBefore)]
    [InlineData(StoreFault.StorageFull)]
    public async Task Drain_OnePackFails_TheOthersArePutMeanwhile_AndOnce(StoreFault fault)
    {
        var troubled = true;
        var first = RepositoryKeys.Pack(Run, Id(10), new Rank(0), 0).Value;
        await using var engine = await StartAsync(key => Volatile.Read(ref troubled) && key == first ? fault : StoreFault.None, concurrentPuts: 2);
        var pool = await engine.RegisterAsync(_layout);
        var image = Bytes(_layout, 1);
        await SaveAsync(pool, 10, image, durable: true);

        await EventuallyAsync(() => _puts.Count(key => key == first) >= 3, "the drain is tried again and again");
        foreach (var number in new[] { 1, 2, 3, 4 })
        {
            Assert.NotNull(await _store.HeadAsync(RepositoryKeys.Pack(Run, Id(10), new Rank(0), number), Cancel));
        }

        Volatile.Write(ref troubled, false);
        _ = await ReachAsync(pool, 10, SnapshotState.Durable);
        Assert.Equal(image[..9_500], await ShardReader.ReadAsync(_store, Run, Assert.Single(engine.Service.Shards)));
        Assert.All(
            _puts.Where(key => key.EndsWith(".pack", StringComparison.Ordinal) && key != first).GroupBy(key => key),
            puts => Assert.Single(puts));
    }

    [Fact]
    public async Task Drain_StorageAway_StopsAfterAsManyFailuresAsMayRun()
    {
        var time = new NotedTime();
        await using var engine = await StartAsync(
            key => key.EndsWith(".pack", StringComparison.Ordinal) ? StoreFault.FailBefore : StoreFault.None,
            concurrentPuts: 2,
            TimeSpan.FromMinutes(1),
            time);
        var pool = await engine.RegisterAsync(_layout);
        await SaveAsync(pool, 10, Bytes(_layout, 1), durable: true);
        await EventuallyAsync(() => time.LongTimers == 1, "the drain waits");
        Assert.InRange(_puts.Count(key => key.EndsWith(".pack", StringComparison.Ordinal)), 2, 3);
    }

    [Theory]
    [InlineData(ErrorCode.StorageFull, false, "Make room")]
    [InlineData(ErrorCode.StorageDenied, false, "Renew the credentials")]
    [InlineData(ErrorCode.StorageFailed, false, "Mend the store")]
    [InlineData(ErrorCode.StorageThrottled, true, "may pass by itself")]
    [InlineData(ErrorCode.StorageUnavailable, true, "may pass by itself")]
    public void Failures_OfStorage_AreWaitedOutWithAdvice(ErrorCode code, bool transient, string advice)
    {
        var failure = new CheckpointerException(code, "no", transient);
        Assert.True(DrainFailures.IsOfStorage(failure));
        Assert.Contains(advice, DrainFailures.AdviceOn(failure), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ErrorCode.ChunkCorrupt)]
    [InlineData(ErrorCode.CheckpointConflict)]
    [InlineData(ErrorCode.NotFound)]
    public void Failures_OfTheSnapshot_AreNot(ErrorCode code) =>
        Assert.False(DrainFailures.IsOfStorage(new CheckpointerException(code, "no")));

    private async Task<Engine> StartAsync(Func<string, StoreFault> fault, int concurrentPuts, TimeSpan? retryDelay = null, TimeProvider? time = null) =>
        await Engine.StartAsync(
            _folder.File("arena"),
            new FaultInjectingObjectStore(
                _store,
                (operation, key) =>
                {
                    if (operation != StoreOperation.PutIfAbsent)
                    {
                        return StoreFault.None;
                    }

                    _puts.Enqueue(key);
                    return fault(key);
                },
                TimeProvider.System),
            draining: new DrainingOptions
            {
                ConcurrentPuts = concurrentPuts,
                PackPayloadBytes = 2_000,
                RetryDelay = retryDelay ?? TimeSpan.FromMilliseconds(2),
                MaxRetryDelay = retryDelay ?? TimeSpan.FromMilliseconds(20),
            },
            time: time);

    /// <summary>The time as it is, noting who waits for long.</summary>
    private sealed class NotedTime : TimeProvider
    {
        private int _longTimers;

        public int LongTimers => Volatile.Read(ref _longTimers);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime >= TimeSpan.FromSeconds(30))
            {
                Interlocked.Increment(ref _longTimers);
            }

            return base.CreateTimer(callback, state, dueTime, period);
        }
    }
}
