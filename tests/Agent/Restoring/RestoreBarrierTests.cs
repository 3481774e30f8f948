using System.Collections.Concurrent;
using Checkpointer.Agent.Tests.Nodes;
using Checkpointer.Agent.Tests.Worlds;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Tests.Restoring;

/// <summary>Two agents at the restore barrier: nobody is given anything before all have restored the same step.</summary>
public sealed class RestoreBarrierTests : IAsyncLifetime
{
    private readonly TestWorld _world = new(2);
    private readonly ConcurrentDictionary<int, int> _restored = new();
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
        _cluster.PlanResume(rank => [Cluster.Memory(rank.Value == 0 ? _a : _b)]);
        _cluster.Service.DecideRestore = Barrier;
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task RankThatHasRestored_IsToldForWhomItWaits_AndGetsNothingYet()
    {
        var trainers = await JoinAsync("second");
        var waiting = await trainers[0].RestoreAsync(_world.LayoutOf(new Rank(0)), waitMs: 0);
        await Waiting.UntilAsync(() => _restored.ContainsKey(0), () => "rank 0 has not reported");
        while (waiting.WaitingFor is not [_, ..])
        {
            waiting = await trainers[0].RestoreAsync(_world.LayoutOf(new Rank(0)), waitMs: 50);
            Assert.False(waiting.Done);
            Assert.Null(waiting.Slot);
        }

        Assert.Equal([new Rank(1)], waiting.WaitingFor);

        var both = await Task.WhenAll(trainers.Select(trainer => trainer.RestoreAsync(_world.LayoutOf(trainer.Rank))));
        Assert.All(both, answer => Assert.True(answer is { Done: true, WaitingFor: null }));
        Assert.Equal(TestWorld.Checkpoint, both[0].Checkpoint);
    }

    [Fact]
    public async Task ServiceThatIsAway_OnlyDelays()
    {
        var trainers = await JoinAsync("second");
        _cluster.Service.IsDown = true;
        var restoring = trainers.Select(trainer => trainer.RestoreAsync(_world.LayoutOf(trainer.Rank))).ToList();
        var answer = await trainers[0].RestoreAsync(_world.LayoutOf(new Rank(0)), waitMs: 500);
        Assert.False(answer.Done);
        _cluster.Service.IsDown = false;

        Assert.All(await Task.WhenAll(restoring), restored => Assert.True(restored.Done));
    }

    [Fact]
    public async Task OtherPlan_IsCarriedOutByAll_WithoutJoiningAnew()
    {
        // Another rank could not carry out plan 1.
        var older = _cluster.Service.Plan with { Number = 2 };
        var trainers = await JoinAsync("second");
        _cluster.Service.Plan = older;
        _cluster.Service.DecideRestore = report => report.Plan == 1
            ? new RestoreResult { State = RestoreState.Replaced, RestoredRanks = 0, WaitingFor = [], Plan = older }
            : Barrier(report);
        _restored.Clear();
        var restored = await Task.WhenAll(trainers.Select(trainer => trainer.RestoreAsync(_world.LayoutOf(trainer.Rank))));

        Assert.All(restored, answer => Assert.Equal((TestWorld.Checkpoint, 2), (answer.Checkpoint, answer.Plan)));
        for (var rank = 0; rank < 2; rank++)
        {
            var image = _world.ImageOf(new Rank(rank));
            Assert.Equal(image, TestTrainer.Read(restored[rank].Slot!, image.Length));
        }

        Assert.Equal([1, 2], Reports(0).Select(report => report.Plan!.Value).Distinct());
        Assert.Equal(2, _restored.Count);
    }

    [Fact]
    public async Task NoSourceLeft_IsSaidAsSuch_AndTheReasonsReachTheTrainer()
    {
        Directory.Delete(_cluster.Folder.File("store"), recursive: true);
        _cluster.PlanResume(_ => [new ImageSource { Tier = Tier.Memory, Node = "node-z", Address = "http://127.0.0.1:9" }]);
        _cluster.Service.DecideRestore = report => new RestoreResult
        {
            State = RestoreState.Impossible,
            RestoredRanks = 0,
            WaitingFor = [],
            Reason = $"rank {report.Rank} ran out of copies",
        };
        var trainers = await JoinAsync("second", _b, _a);
        var error = await Cluster.RefusedAsync(
            ErrorCode.RestoreImpossible, () => trainers[0].RestoreAsync(_world.LayoutOf(new Rank(0))));

        Assert.Contains("rank 0 ran out of copies", error.Message, StringComparison.Ordinal);
        var report = Reports(0).First();
        Assert.True(report is { Succeeded: false, NoSourceLeft: true, Plan: 1 });
        Assert.NotEmpty(report.Faults);
    }

    [Fact]
    public async Task NewerGrant_EndsTheWait()
    {
        var trainers = await JoinAsync("second");
        var waiting = trainers[0].RestoreAsync(_world.LayoutOf(new Rank(0)));
        await Waiting.UntilAsync(() => _restored.ContainsKey(0), () => "rank 0 has not reported");
        _ = await JoinAsync("third");

        await Cluster.RefusedAsync(ErrorCode.StaleAttempt, () => waiting);
    }

    private IEnumerable<RestoreReport> Reports(int rank) =>
        _cluster.Service.Taken.OfType<RestoreReport>().Where(report => report.Rank.Value == rank);

    private RestoreResult Barrier(RestoreReport report)
    {
        _restored[report.Rank.Value] = report.Plan!.Value;
        List<Rank> missing = [.. _world.Ranks.Where(rank => !_restored.ContainsKey(rank.Value))];
        return new RestoreResult
        {
            State = missing.Count == 0 ? RestoreState.Confirmed : RestoreState.Pending,
            RestoredRanks = _restored.Count,
            WaitingFor = missing,
        };
    }

    private async Task<List<TestTrainer>> JoinAsync(string incarnation, TestNode? first = null, TestNode? second = null)
    {
        var trainers = await Cluster.JoinAsync(_world, incarnation, first ?? _a, second ?? _b);
        foreach (var trainer in trainers)
        {
            await trainer.RegisterAsync(_world.LayoutOf(trainer.Rank));
        }

        return trainers;
    }
}
