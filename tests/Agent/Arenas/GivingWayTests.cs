using Checkpointer.Agent.Arenas;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Storage;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Faults;
using static Checkpointer.Agent.Tests.Arenas.Engine;
using static Checkpointer.Agent.Tests.Arenas.TestImage;

namespace Checkpointer.Agent.Tests.Arenas;

/// <summary>Which snapshots give way when the service or the store is away and every slot is taken.</summary>
public sealed class GivingWayTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new("/dev/shm");
    private readonly FakeService _service = new();
    private readonly Layout _layout = Plain(5001);
    private readonly HashSet<CheckpointId> _withdrawn = [];
    private Engine _engine = null!;
    private FaultInjectingObjectStore _store = null!;
    private volatile bool _storeIsAway;

    public async ValueTask InitializeAsync()
    {
        _engine = await StartAsync(_folder.File("arena"), Store(), _service, arenas: Arenas());
        _service.Withdraw = checkpoint => _withdrawn.Add(checkpoint);
    }

    public async ValueTask DisposeAsync()
    {
        _storeIsAway = false;
        await _engine.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Begin_ServiceAway_WhatItNeverHeardOfGivesWay_AndTheGlobalOneStays()
    {
        var pool = await _engine.RegisterAsync(_layout);
        await SaveAsync(pool, 1, Bytes(_layout, 1));
        _engine.Arenas.Observe(Progress(globallySealed: Id(1)));
        for (var step = 2; step <= 6; step++)
        {
            await SaveAsync(pool, step, Bytes(_layout, step));
            Assert.Equal([Id(1), Id(step)], Held());
        }

        Assert.Equal([Id(2), Id(3), Id(4), Id(5)], _withdrawn.Order());
    }

    [Fact]
    public async Task Begin_ServiceAway_WhatItMayHaveHeardOfStays()
    {
        _service.Withdraw = _ => false;
        var pool = await _engine.RegisterAsync(_layout);
        await SaveAsync(pool, 1, Bytes(_layout, 1));
        _engine.Arenas.Observe(Progress(globallySealed: Id(1)));
        await SaveAsync(pool, 2, Bytes(_layout, 2));

        var refusal = await Assert.ThrowsAsync<CheckpointerException>(() => BeginAsync(pool, 3));
        Assert.Equal(ErrorCode.SlotBusy, refusal.Code);
        Assert.Equal([Id(1), Id(2)], Held());
    }

    [Fact]
    public async Task Begin_ServiceThere_NothingIsWithdrawn()
    {
        var pool = await _engine.RegisterAsync(_layout);
        await SaveAsync(pool, 1, Bytes(_layout, 1));
        _service.Progress = () => Progress(globallySealed: Id(1));
        await SaveAsync(pool, 2, Bytes(_layout, 2));

        await Assert.ThrowsAsync<CheckpointerException>(() => BeginAsync(pool, 3));
        Assert.Empty(_withdrawn);
    }

    [Fact]
    public async Task Begin_AfterARestart_WhatAnEarlierProcessSealedStays()
    {
        var pool = await _engine.RegisterAsync(_layout);
        await SaveAsync(pool, 1, Bytes(_layout, 1));
        await SaveAsync(pool, 2, Bytes(_layout, 2));
        await _engine.DisposeAsync();
        _engine = await StartAsync(_folder.File("arena"), Store(), _service, arenas: Arenas());

        pool = await _engine.RegisterAsync(_layout);
        await Assert.ThrowsAsync<CheckpointerException>(() => BeginAsync(pool, 3));
        Assert.Empty(_withdrawn);
    }

    [Fact]
    public async Task Begin_StoreAway_TheOlderWaitingOneGivesWayToANewerThatAllRanksHave()
    {
        _storeIsAway = true;
        var pool = await _engine.RegisterAsync(_layout);
        await SaveAsync(pool, 1, Bytes(_layout, 1), durable: true);
        await SaveAsync(pool, 2, Bytes(_layout, 2), durable: true);
        _service.Progress = () => Progress(globallySealed: Id(2));

        // A drain that has failed and begun anew counts as waiting.
        await EventuallyAsync(() => _store.InjectedCount >= 2, "the store failed twice");

        await SaveAsync(pool, 3, Bytes(_layout, 3), durable: true);

        Assert.Equal([Id(2), Id(3)], Held());
        var report = Assert.Single(_service.Snapshots, report => report.Outcome == SnapshotOutcome.Discarded);
        Assert.Equal((new Step(1), true), (report.Step, report.Durable));
        Assert.Contains("gave way to 2.1", report.Reason, StringComparison.Ordinal);
        Assert.Equal(SnapshotState.Failed, (await ReachFailedAsync(pool, 1)).State);

        _storeIsAway = false;
        await ReachAsync(pool, 2, SnapshotState.Durable);
        await ReachAsync(pool, 3, SnapshotState.Durable);
        Assert.Equal([2L, 3L], _service.Shards.Select(shard => shard.Checkpoint.Step.Value).Distinct());
    }

    [Fact]
    public async Task Begin_StoreAway_WithoutANewerThatAllRanksHave_NothingGivesWay()
    {
        _storeIsAway = true;
        var pool = await _engine.RegisterAsync(_layout);
        await SaveAsync(pool, 1, Bytes(_layout, 1), durable: true);
        await SaveAsync(pool, 2, Bytes(_layout, 2), durable: true);
        _service.Progress = () => Progress(globallySealed: Id(1));

        await Assert.ThrowsAsync<CheckpointerException>(() => BeginAsync(pool, 3));
        Assert.Equal([Id(1), Id(2)], Held());
    }

    private ArenaOptions Arenas() =>
        new() { Node = "n1", Root = _folder.File("arena"), ChunkBytes = ChunkBytes, SlotsPerRank = 2 };

    private FaultInjectingObjectStore Store() => _store = new FaultInjectingObjectStore(
        ObjectStores.Open(_folder.File("store")), (_, _) => _storeIsAway ? StoreFault.FailBefore : StoreFault.None, TimeProvider.System);

    private static Task<SnapshotStatus> ReachFailedAsync(SlotPool pool, long step) => pool.StatusAsync(
        Id(step), SnapshotState.Durable, TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);

    private IEnumerable<CheckpointId> Held() => _engine.Arenas.Holdings.Select(holding => holding.Checkpoint).Order();
}
