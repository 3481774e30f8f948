using Checkpointer.Agent.Tests;
using Checkpointer.Agent.Tests.Nodes;
using Checkpointer.Agent.Tests.Replicating;
using Checkpointer.Agent.Tests.Worlds;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Replicas;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Storage.CrashPoints;
using Checkpointer.TestKit.Processes;

namespace Checkpointer.Crash.Tests.Scenarios;

/// <summary>A whole agent amid a restore and amid the copy of a peer's image: the next agent comes up again and does it.</summary>
internal static class AgentScenarios
{
    public static IReadOnlyList<CrashScenario> All { get; } =
    [
        new(
            CrashTable.Agent,
            "restore",
            [CrashPointNames.RestoreBegun, CrashPointNames.RestoreBuilding, CrashPointNames.ArenaSealWritten],
            RestoreAsync),
        new(
            CrashTable.Agent,
            "take a copy",
            [CrashPointNames.ReplicaCopying, CrashPointNames.ArenaSealWritten, CrashPointNames.ReplicaHeld],
            CopyAsync),
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task RestoreAsync(string crashAt)
    {
        var world = new TestWorld(1);
        await using var cluster = await Cluster.StartAsync();
        var saver = await cluster.StartNodeAsync("node-a");
        await cluster.SaveAsync(world, saver);
        await cluster.CommitAsync();
        await cluster.StopNodeAsync(saver);
        cluster.PlanResume(_ => [new ImageSource { Tier = Tier.Storage }]);
        var options = TestNode.OptionsFor(cluster.Service, cluster.Folder, "node-b");

        var child = StartAsync(options, crashAt);
        await ListensAsync(options, child);
        using (var agent = TestNode.OverSocket(options.Socket))
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => RestoreAsync(world, agent));
        }

        Assert.True((await child).WasKilled, (await child).ToString());
        Assert.True(File.Exists(options.Socket), "A killed agent leaves its socket; the next one must cope.");
        await using var next = await TestNode.StartAsync(options);
        Assert.Equal(world.ImageOf(new Rank(0)), await RestoreAsync(world, next.Trainers));
    }

    private static async Task CopyAsync(string crashAt)
    {
        await using var cluster = await Cluster.StartAsync();
        var owner = await cluster.StartNodeAsync("node-a");
        var options = TestNode.OptionsFor(cluster.Service, cluster.Folder, "node-b");
        var child = StartAsync(options, crashAt);
        await ListensAsync(options, child);
        await Waiting.UntilAsync(
            () => cluster.Service.Heartbeats.Any(beat => beat.Node == "node-b") || child.IsCompleted, () => "node-b says nothing");
        Say(cluster, cluster.Service.Heartbeats.First(beat => beat.Node == "node-b").Address);
        var world = new TestWorld(1);
        var trainer = owner.Trainer(new Rank(0), 1);
        await trainer.JoinAsync("first");
        await trainer.RegisterAsync(world.LayoutOf(new Rank(0)));
        var image = world.ImageOf(new Rank(0));
        _ = await trainer.SaveAsync(40, world.LayoutOf(new Rank(0)), image, durable: false);

        Assert.True((await child).WasKilled, (await child).ToString());
        await using var next = await TestNode.StartAsync(options);
        if (crashAt == CrashPointNames.ReplicaHeld)
        {
            Assert.True(await PeerWorld.HoldsAsync(next, TestWorld.Checkpoint), "A whole copy is lost.");
        }

        Say(cluster, next.Address);
        await PeerWorld.UntilAsync(() => PeerWorld.HoldsAsync(next, TestWorld.Checkpoint), "the copy");
        Assert.Equal(image, await PeerWorld.ReadAsync(next, TestWorld.Checkpoint));
        await Waiting.UntilAsync(
            () => cluster.Service.Heartbeats.Any(beat => beat.Node == "node-b" && beat.Holdings.Any(held => held.Checkpoint == TestWorld.Checkpoint)),
            () => "no heartbeat names the copy");
    }

    private static void Say(Cluster cluster, string peer) => cluster.Service.Progress[TestWorld.Run] = new RunProgress
    {
        Run = TestWorld.Run,
        Attempt = TestWorld.Checkpoint.Attempt,
        GivenUp = [],
        Peer = new ReplicaPeer { Node = "node-b", Address = peer },
    };

    private static Task<ChildResult> StartAsync(Agent.Hosting.AgentOptions options, string crashAt) => ChildProcess.RunAsync(
        AgentChildren.Agent,
        [options.Node, options.Service.ToString(), options.Store.Url, options.Socket, options.ArenaRoot],
        crashAt,
        Cancel);

    private static Task ListensAsync(Agent.Hosting.AgentOptions options, Task<ChildResult> child) => Waiting.UntilAsync(
        () => File.Exists(options.Socket) || child.IsCompleted,
        () => child.IsCompleted ? child.Result.ToString() : "the child does not listen");

    private static async Task<byte[]> RestoreAsync(TestWorld world, HttpClient agent)
    {
        var trainer = new TestTrainer(agent, new Rank(0), 1);
        var layout = world.LayoutOf(new Rank(0));
        await trainer.JoinAsync("second");
        await trainer.RegisterAsync(layout);
        return TestTrainer.Read((await trainer.RestoreAsync(layout)).Slot!, layout.ImageBytes);
    }
}
