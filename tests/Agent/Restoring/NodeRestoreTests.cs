using Checkpointer.Agent.Tests.Nodes;
using Checkpointer.Agent.Tests.Worlds;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Tests.Restoring;

/// <summary>Whole agents: save, come up again, restore, from each tier and with each of them damaged.</summary>
public sealed class NodeRestoreTests : IAsyncLifetime
{
    private static readonly ImageSource Storage = new() { Tier = Tier.Storage };
    private readonly TestWorld _world = new(2);
    private Cluster _cluster = null!;
    private TestNode _a = null!;
    private TestNode _b = null!;

    public async ValueTask InitializeAsync()
    {
        _cluster = await Cluster.StartAsync();
        _a = await _cluster.StartNodeAsync("node-a");
        _b = await _cluster.StartNodeAsync("node-b");
        await _cluster.SaveAsync(_world, _a, _b);
        await _cluster.CommitAsync();
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task FromItsOwnSlot_TheImageIsVerifiedInPlace()
    {
        _cluster.PlanResume(rank => [Cluster.Memory(rank.Value == 0 ? _a : _b), Storage]);
        var restored = await RestoreAsync(_world, "second", _a, _b);

        Assert.All(restored, answer => Assert.Equal(answer.Slot!.DataBytes >= answer.LocalMemoryBytes, answer.LocalMemoryBytes > 0));
        Assert.All(restored, answer => Assert.Equal(0, answer.PeerMemoryBytes + answer.StorageBytes));
        var report = _cluster.Service.Taken.OfType<RestoreReport>().First();
        Assert.True(report.Succeeded);
        Assert.Empty(report.Faults);
    }

    [Fact]
    public async Task FromItsOwnSlotWithOneBitWrong_TheNextSourceIsTakenAndTheFaultReported()
    {
        FlipInArenas(new Rank(0), 2500);
        _cluster.PlanResume(rank => [Cluster.Memory(rank.Value == 0 ? _a : _b), Storage]);
        var restored = await RestoreAsync(_world, "second", _a, _b);

        Assert.True(restored[0].StorageBytes > 0);
        Assert.Equal(0, restored[1].StorageBytes);
        var report = _cluster.Service.Taken.OfType<RestoreReport>().Single(report => report.Rank.Value == 0);
        Assert.True(report.Succeeded);
        Assert.NotEmpty(report.Faults);
    }

    [Fact]
    public async Task FromAPeer_AfterTheRankMoved_TheMemoryTierIsWholeAgain()
    {
        _cluster.PlanResume(rank => [Cluster.Memory(rank.Value == 0 ? _a : _b), Storage]);
        var restored = await RestoreAsync(_world, "second", _b, _a);

        Assert.All(restored, answer => Assert.True(answer is { PeerMemoryBytes: > 0, StorageBytes: 0, LocalMemoryBytes: 0 }));

        // Rank 0 is now held by both nodes, under the id of what it restored, and can be served from either.
        var image = _world.ImageOf(new Rank(0));
        using var response = await _b.Network.GetAsync(
            new Uri("/v1/images/sft-demo/0/40.1/data", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(image, await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task FromAPeerWithOneBitWrong_TheRestComesFromStorage()
    {
        FlipInArenas(new Rank(0), 1000);
        FlipInArenas(new Rank(1), 1000);
        _cluster.PlanResume(rank => [Cluster.Memory(rank.Value == 0 ? _a : _b), Storage]);
        var restored = await RestoreAsync(_world, "second", _b, _a);

        Assert.All(restored, answer => Assert.True(answer is { PeerMemoryBytes: > 0, StorageBytes: > 0 }));
    }

    [Fact]
    public async Task FromStorage_AfterBothNodesWereLost()
    {
        await _cluster.StopNodeAsync(_a);
        await _cluster.StopNodeAsync(_b);
        var spare = await _cluster.StartNodeAsync("node-c");
        _cluster.PlanResume(_ => [Storage]);
        var restored = await RestoreAsync(_world, "second", spare, spare);

        Assert.All(restored, answer => Assert.True(answer is { PeerMemoryBytes: 0, StorageBytes: > 0 }));
    }

    [Fact]
    public async Task FromNowhere_ItIsImpossibleAndNothingElseIsHarmed()
    {
        FlipInArenas(new Rank(0), 1000);
        foreach (var pack in Directory.GetFiles(_cluster.Folder.File("store"), "000000-*.pack", SearchOption.AllDirectories))
        {
            File.Delete(pack);
        }

        _cluster.PlanResume(rank => [Cluster.Memory(rank.Value == 0 ? _a : _b), Storage]);
        var trainers = await Cluster.JoinAsync(_world, "second", _a, _b);
        await RegisterAsync(_world, trainers);
        await Cluster.RefusedAsync(
            ErrorCode.RestoreImpossible, () => trainers[0].RestoreAsync(_world.LayoutOf(trainers[0].Rank)));
        var restored = await trainers[1].RestoreAsync(_world.LayoutOf(trainers[1].Rank));

        AssertImage(_world, trainers[1].Rank, restored);
        await Waiting.UntilAsync(() => Report(0) is not null, () => "no report");
        Assert.False(Report(0)!.Succeeded);
        Assert.NotEmpty(Report(0)!.Faults);

        // The slot is free again: the rank can go on from scratch.
        var layout = _world.LayoutOf(trainers[0].Rank);
        Assert.Equal(
            SnapshotState.Sealed,
            (await trainers[0].SaveAsync(50, layout, _world.ImageOf(trainers[0].Rank), durable: false)).State);
    }

    [Fact]
    public async Task InAnotherWorld_TheSameModelIsThereButNoHolding()
    {
        var world = new TestWorld(3);
        _cluster.PlanResume(rank => [Cluster.Memory(rank.Value == 0 ? _a : _b), Storage]);
        var trainers = await Cluster.JoinAsync(world, "second", _a, _b, _b);
        foreach (var trainer in trainers)
        {
            var layout = world.LayoutOf(trainer.Rank, withOwn: false);
            await trainer.RegisterAsync(layout);
            var restored = await trainer.RestoreAsync(layout);
            Assert.True(restored.Done);
            Assert.Equal(world.ImageOf(trainer.Rank, withOwn: false), TestTrainer.Read(restored.Slot!, layout.ImageBytes));
            Assert.Equal(trainer.Rank.Value % 2 * 100, restored.Extra!.Value.GetProperty("data_cursor").GetInt32());
        }

        var holdings = (await Cluster.JoinAsync(world, "third", _a, _b, _b), _cluster.Service.Joins.TakeLast(3)).Item2;
        Assert.DoesNotContain(holdings.SelectMany(join => join.Agent.Holdings), holding => holding.Rank.Value == 2);
    }

    [Fact]
    public async Task NothingToResume_IsDoneAtOnce()
    {
        _cluster.Service.Plan = new RecoveryPlan { Reason = "fresh", Images = [] };
        var trainer = (await Cluster.JoinAsync(_world, "second", _a, _b))[0];
        var layout = _world.LayoutOf(trainer.Rank);
        await trainer.RegisterAsync(layout);
        var restored = await trainer.RestoreAsync(layout);

        Assert.True(restored.Done);
        Assert.Null(restored.Checkpoint);
        Assert.Null(restored.Slot);
    }

    [Fact]
    public async Task ALayoutThatIsNotRegistered_IsAMismatch()
    {
        _cluster.PlanResume(_ => [Storage]);
        var trainers = await Cluster.JoinAsync(_world, "second", _a, _b);
        await trainers[0].RegisterAsync(_world.LayoutOf(new Rank(0)));
        await Cluster.RefusedAsync(
            ErrorCode.LayoutMismatch, () => trainers[0].RestoreAsync(_world.LayoutOf(new Rank(1))));
    }

    private RestoreReport? Report(int rank) =>
        _cluster.Service.Taken.OfType<RestoreReport>().FirstOrDefault(report => report.Rank.Value == rank);

    private async Task<List<RestoreResponse>> RestoreAsync(TestWorld world, string incarnation, params TestNode[] nodes)
    {
        var trainers = await Cluster.JoinAsync(world, incarnation, nodes);
        await RegisterAsync(world, trainers);
        var restored = await Task.WhenAll(trainers.Select(trainer => trainer.RestoreAsync(world.LayoutOf(trainer.Rank))));
        for (var rank = 0; rank < restored.Length; rank++)
        {
            AssertImage(world, new Rank(rank), restored[rank]);
        }

        await Waiting.UntilAsync(
            () => _cluster.Service.Taken.OfType<RestoreReport>().Count() >= world.Size, () => "restores are not reported");
        return [.. restored];
    }

    private static async Task RegisterAsync(TestWorld world, List<TestTrainer> trainers)
    {
        foreach (var trainer in trainers)
        {
            await trainer.RegisterAsync(world.LayoutOf(trainer.Rank));
        }
    }

    private static void AssertImage(TestWorld world, Rank rank, RestoreResponse restored)
    {
        Assert.True(restored.Done);
        Assert.Equal(TestWorld.Checkpoint, restored.Checkpoint);
        var image = world.ImageOf(rank);
        Assert.Equal(image, TestTrainer.Read(restored.Slot!, image.Length));
        Assert.Equal(rank.Value * 100, restored.Extra!.Value.GetProperty("data_cursor").GetInt32());
    }

    /// <summary>Flips one bit of the rank's image wherever an arena holds it.</summary>
    private void FlipInArenas(Rank rank, int offset)
    {
        var image = _world.ImageOf(rank);
        var found = 0;
        foreach (var path in Directory.GetFiles(_cluster.Folder.File("arena"), $"{rank}-*.arena", SearchOption.AllDirectories))
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            var held = new byte[image.Length];
            if (RandomAccess.Read(file, held, 1 << 20) == image.Length && held.AsSpan().SequenceEqual(image))
            {
                held[offset] ^= 0x20;
                RandomAccess.Write(file, held, 1 << 20);
                found++;
            }
        }

        Assert.True(found > 0, "No arena holds the image.");
    }
}
