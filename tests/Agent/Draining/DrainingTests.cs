using Checkpointer.Agent.Draining;
using Checkpointer.Agent.Tests.Arenas;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Codecs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Storage;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Faults;
using static Checkpointer.Agent.Tests.Arenas.Engine;
using static Checkpointer.Agent.Tests.Arenas.TestImage;

namespace Checkpointer.Agent.Tests.Draining;

public sealed class DrainingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("/dev/shm");
    private readonly Layout _layout = WithReplica(9_500, 3_000);
    private readonly IObjectStore _store;

    public DrainingTests() => _store = ObjectStores.Open(_folder.File("store"));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Drain_OneSnapshot_IsAReadableShardOfTheStoredPrefix()
    {
        await using var engine = await StartAsync(_store);
        var pool = await engine.RegisterAsync(_layout, rank: 1);
        var image = Bytes(_layout, 1);

        await SaveAsync(pool, 10, image, durable: true, until: SnapshotState.Durable, extra: """{"data_cursor":7}""");

        var report = Assert.Single(engine.Service.Shards);
        Assert.Equal((Id(10), new Attempt(1), new Rank(1)), (report.Checkpoint, report.Attempt, report.Rank));
        Assert.Equal(image[..9_500], await ShardReader.ReadAsync(_store, Run, report));
        var index = await ShardReader.ReadIndexAsync(_store, Run, Id(10), rank: 1);
        Assert.Equal(13, index.Chunks.Count);
        Assert.Equal(3, index.Chunks.Count(chunk => chunk.Codec == CodecId.Elsewhere));
        Assert.Equal(3, index.Packs.Count);
        Assert.Equal(index.Packs.Sum(pack => pack.PackBytes), report.PackBytes);
        Assert.Equal("""{"data_cursor":7}""", System.Text.Encoding.UTF8.GetString(index.Extra.Span));
        await EventuallyAsync(() => engine.Arenas.PendingDrains == 0, "no drain is pending");
    }

    [Fact]
    public async Task Drain_NotDurable_StoresNothing()
    {
        await using var engine = await StartAsync(_store);
        await SaveAsync(await engine.RegisterAsync(_layout), 10, Bytes(_layout, 1));

        Assert.Equal(0, engine.Arenas.PendingDrains);
        Assert.Empty(await _store.ListAsync("", Cancel).ToListAsync(Cancel));
    }

    [Fact]
    public async Task Drain_ChunksOfTheCommittedShard_AreReusedAcrossAgents()
    {
        var image = Bytes(_layout, 1);
        await using (var engine = await StartAsync(_store))
        {
            var pool = await engine.RegisterAsync(_layout);
            await SaveAsync(pool, 10, image, durable: true, until: SnapshotState.Durable);
            image[2_500] ^= 1;
            image[9_499] ^= 1;

            // Durable, but nobody has said that it is committed: its packs may be garbage tomorrow.
            await SaveAsync(pool, 20, image, durable: true, until: SnapshotState.Durable);
            Assert.All((await ShardReader.ReadIndexAsync(_store, Run, Id(20))).Packs, pack => Assert.Equal(Id(20), pack.Checkpoint));
        }

        image[100] ^= 1;
        await using var next = await StartAsync(_store);
        next.Arenas.Observe(Progress(globallySealed: Id(20), committed: Id(20)));
        var again = next.Arenas.Find(Run, new Rank(0))!;
        await SaveAsync(again, 30, image, durable: true, until: SnapshotState.Durable);

        var report = next.Service.Shards[^1];
        Assert.Equal(image[..9_500], await ShardReader.ReadAsync(_store, Run, report));
        var index = await ShardReader.ReadIndexAsync(_store, Run, Id(30));
        Assert.Equal([0], index.Chunks
            .Select((chunk, number) => (chunk, number))
            .Where(pair => pair.chunk.Codec == CodecId.Raw && index.Packs[pair.chunk.Pack].Checkpoint == Id(30))
            .Select(pair => pair.number));
        Assert.InRange(report.PackBytes, 1_000, 1_200);
    }

    [Fact]
    public async Task Drain_BitFlippedBetweenSealAndDrain_NeverBecomesDurable()
    {
        var gate = new TaskCompletionSource();
        await using var engine = await StartAsync(new GatedStore(_store, gate.Task));
        var pool = await engine.RegisterAsync(_layout);
        var image = Bytes(_layout, 1);
        await SaveAsync(pool, 10, image, durable: true);
        image[5_555] ^= 1;
        Write(pool.Locations.Single(slot => slot.Slot == 0), image);
        gate.SetResult();

        var status = await ReachAsync(pool, 10, SnapshotState.Failed);

        Assert.Equal(ErrorCode.ChunkCorrupt, status.Error);
        await EventuallyAsync(() => engine.Arenas.PendingDrains == 0, "the drain has ended");
        Assert.Empty(engine.Service.Shards);
        var report = engine.Service.Snapshots[^1];
        Assert.Equal(SnapshotOutcome.Discarded, report.Outcome);
        Assert.Contains("Chunk 5", report.Reason, StringComparison.Ordinal);
        Assert.Null(await _store.HeadAsync(RepositoryKeys.Index(Run, Id(10), new Rank(0)), Cancel));
        Assert.Empty(pool.Holdings);

        // The slot is worth nothing, so it is free.
        await SaveAsync(pool, 20, image);
        await SaveAsync(pool, 30, image);
    }

    [Fact]
    public async Task Drain_BitFlippedDuringThePut_NeverGetsIntoAnIndex()
    {
        SlotLocation? slot = null;
        var image = Bytes(_layout, 1);
        var wrong = (byte[])image.Clone();
        wrong[5_555] ^= 1;
        var store = new FaultInjectingObjectStore(
            _store,
            (operation, key) =>
            {
                if (operation == StoreOperation.PutIfAbsent && key.EndsWith("-000001.pack", StringComparison.Ordinal))
                {
                    Write(slot!, wrong);
                }

                return StoreFault.None;
            },
            TimeProvider.System);
        await using var engine = await StartAsync(store);
        var pool = await engine.RegisterAsync(_layout);
        slot = await BeginAsync(pool, 10, durable: true);
        Write(slot, image);
        Seal(pool, 10);

        Assert.Equal(ErrorCode.ChunkCorrupt, (await ReachAsync(pool, 10, SnapshotState.Failed)).Error);

        await EventuallyAsync(() => engine.Arenas.PendingDrains == 0, "the drain has ended");
        Assert.Null(await _store.HeadAsync(RepositoryKeys.Index(Run, Id(10), new Rank(0)), Cancel));
    }

    [Theory]
    [InlineData(StoreFault.FailBefore, 0.5)]
    [InlineData(StoreFault.FailAfter, 0.2)]
    [InlineData(StoreFault.StorageFull, 0.5)]
    [InlineData(StoreFault.TornRead, 0.2)]
    public async Task Drain_StoreFailsAgainAndAgain_EndsWithAReadableShard(StoreFault fault, double rate)
    {
        for (var seed = 0; seed < 6; seed++)
        {
            var run = seed;
            var folder = _folder.File($"{fault}-{seed}");
            var inner = ObjectStores.Open(Path.Combine(folder, "store"));
            var store = new FaultInjectingObjectStore(inner, FaultPlans.Seeded(run, rate, fault), TimeProvider.System);
            await using var engine = await Engine.StartAsync(
                Path.Combine(folder, "arena"), store, draining: Options());
            var pool = await engine.RegisterAsync(_layout);
            var image = Bytes(_layout, seed);

            await SaveAsync(pool, 10, image, durable: true, until: SnapshotState.Durable);

            Assert.Equal(image[..9_500], await ShardReader.ReadAsync(inner, Run, engine.Service.Shards[^1]));
        }
    }

    [Fact]
    public async Task Drain_PacksOfAnotherPlanAreInTheWay_TakesOtherNumbers()
    {
        var junk = new ObjectContent(TestBytes.Make(100, 1));
        await _store.PutAsync(RepositoryKeys.Pack(Run, Id(10), new Rank(0), 0), junk, Cancel);
        await _store.PutAsync(RepositoryKeys.Pack(Run, Id(10), new Rank(0), 3), junk, Cancel);
        await using var engine = await StartAsync(_store);
        var image = Bytes(_layout, 1);

        await SaveAsync(
            await engine.RegisterAsync(_layout), 10, image, durable: true, until: SnapshotState.Durable);

        Assert.Equal(image[..9_500], await ShardReader.ReadAsync(_store, Run, engine.Service.Shards[^1]));
        Assert.Equal([1, 2, 6], (await ShardReader.ReadIndexAsync(_store, Run, Id(10))).Packs.Select(pack => pack.Number));
    }

    [Fact]
    public async Task Drain_IndexOfAnotherImageExists_FailsAndIsNotReported()
    {
        await using (var other = await StartAsync(_store))
        {
            await SaveAsync(await other.RegisterAsync(_layout), 10, Bytes(_layout, 1), durable: true, until: SnapshotState.Durable);
            other.Arenas.Drop(Run);
        }

        await using var engine = await StartAsync(_store);
        var pool = await engine.RegisterAsync(_layout);
        Write(await BeginAsync(pool, 10, durable: true), Bytes(_layout, 2));
        Seal(pool, 10);

        Assert.Equal(ErrorCode.CheckpointConflict, (await ReachAsync(pool, 10, SnapshotState.Failed)).Error);
        Assert.Empty(engine.Service.Shards);
    }

    [Fact]
    public async Task Drain_OneRanksStoreHangs_OtherRanksFinish()
    {
        var store = new FaultInjectingObjectStore(
            _store,
            (_, key) => key.Contains("/000000-", StringComparison.Ordinal) ? StoreFault.Hang : StoreFault.None,
            TimeProvider.System);
        await using var engine = await StartAsync(store);
        var stuck = await engine.RegisterAsync(_layout, rank: 0);
        await SaveAsync(stuck, 10, Bytes(_layout, 1), durable: true);
        await SaveAsync(stuck, 20, Bytes(_layout, 2), durable: true);
        foreach (var rank in new[] { 1, 2, 3 })
        {
            await SaveAsync(
                await engine.RegisterAsync(_layout, rank), 10, Bytes(_layout, rank), durable: true, until: SnapshotState.Durable);
        }

        await EventuallyAsync(() => engine.Arenas.PendingDrains == 2, "the stuck rank's two are still wanted");
        Assert.Equal([1, 2, 3], engine.Service.Shards.Select(shard => shard.Rank.Value));

        // A newer step does not cancel an older one's drain, and a slot that drains is not reused.
        engine.Arenas.Observe(Progress(globallySealed: Id(20), committed: Id(20)));
        Assert.Equal(ErrorCode.SlotBusy, (await Assert.ThrowsAsync<CheckpointerException>(() => BeginAsync(stuck, 30))).Code);

        // Giving it up does.
        engine.Arenas.Observe(Progress(1, Id(20), null, Id(20), Id(10)));
        Assert.Equal(ErrorCode.CheckpointConflict, (await ReachAsync(stuck, 10, SnapshotState.Failed)).Error);
        await EventuallyAsync(() => engine.Arenas.PendingDrains == 1, "the older drain has ended");
        await SaveAsync(stuck, 40, Bytes(_layout, 4));
    }

    [Fact]
    public async Task Drain_AttemptFencedOut_EndsUnlessTheNewOneResumedFromIt()
    {
        var service = new FakeService();
        await using var engine = await StartAsync(_store, service);
        var pool = await engine.RegisterAsync(_layout);
        service.Answer = report => report.Attempt.Value < 2 ? ShardOutcome.StaleAttempt : ShardOutcome.Acknowledged;
        service.Progress = () => Progress(attempt: 2, globallySealed: Id(20), resumedFrom: Id(20));

        // The agent does not know of attempt 2 yet when it reports.
        Write(await BeginAsync(pool, 10, durable: true), Bytes(_layout, 1));
        Seal(pool, 10);
        Assert.Equal(ErrorCode.StaleAttempt, (await ReachAsync(pool, 10, SnapshotState.Failed)).Error);
        await EventuallyAsync(() => engine.Arenas.PendingDrains == 0, "the drain has ended");

        Assert.Equal(1, service.Shards.Count(shard => shard.Checkpoint == Id(10)));
    }

    [Fact]
    public async Task Drain_ResumedSnapshot_IsReportedUnderTheNewAttempt()
    {
        var service = new FakeService
        {
            Answer = report => report.Attempt.Value < 2 ? ShardOutcome.StaleAttempt : ShardOutcome.Acknowledged,
            Progress = () => Progress(attempt: 2, globallySealed: Id(10), resumedFrom: Id(10)),
        };
        await using var engine = await StartAsync(_store, service);
        var pool = await engine.RegisterAsync(_layout);

        await SaveAsync(pool, 10, Bytes(_layout, 1), durable: true, until: SnapshotState.Durable);

        Assert.Equal([1, 2], service.Shards.Select(shard => shard.Attempt.Value));
        Assert.All(service.Shards, shard => Assert.Equal(Id(10), shard.Checkpoint));
    }

    [Fact]
    public async Task Drain_ServiceRefuses_FailsTheSnapshotButKeepsTheImage()
    {
        var service = new FakeService { Answer = _ => ShardOutcome.Refused };
        await using var engine = await StartAsync(_store, service);
        var pool = await engine.RegisterAsync(_layout);
        Write(await BeginAsync(pool, 10, durable: true), Bytes(_layout, 1));
        Seal(pool, 10);

        Assert.Equal(ErrorCode.CheckpointConflict, (await ReachAsync(pool, 10, SnapshotState.Failed)).Error);
        Assert.Equal(Id(10), Assert.Single(pool.Holdings).Checkpoint);
    }

    private static DrainingOptions Options() => new()
    {
        PackPayloadBytes = 4 * ChunkBytes,
        RetryDelay = TimeSpan.FromMilliseconds(1),
        MaxRetryDelay = TimeSpan.FromMilliseconds(5),
    };

    private Task<Engine> StartAsync(IObjectStore store, FakeService? service = null) =>
        Engine.StartAsync(_folder.File("arena"), store, service, draining: Options());

    /// <summary>Lets no call through before the gate opens.</summary>
    private sealed class GatedStore(IObjectStore inner, Task gate) : IObjectStore
    {
        public string Description => inner.Description;

        public async Task PutAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken)
        {
            await gate;
            await inner.PutAsync(key, content, cancellationToken);
        }

        public async Task<PutOutcome> PutIfAbsentAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken)
        {
            await gate;
            return await inner.PutIfAbsentAsync(key, content, cancellationToken);
        }

        public async Task ReadAsync(ObjectKey key, long offset, Memory<byte> destination, CancellationToken cancellationToken)
        {
            await gate;
            await inner.ReadAsync(key, offset, destination, cancellationToken);
        }

        public async Task<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken)
        {
            await gate;
            return await inner.HeadAsync(key, cancellationToken);
        }

        public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken) =>
            inner.ListAsync(prefix, cancellationToken);

        public Task DeleteAsync(ObjectKey key, CancellationToken cancellationToken) => inner.DeleteAsync(key, cancellationToken);
    }
}
