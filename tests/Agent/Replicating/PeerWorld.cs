using Checkpointer.Agent.Hosting;
using Checkpointer.Agent.Tests.Nodes;
using Checkpointer.Agent.Tests.Worlds;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Replicas;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.TestKit;

namespace Checkpointer.Agent.Tests.Replicating;

/// <summary>A rank on node-a whose images go to node-b: real agents, real HTTP between them, a fake service that names the peer.</summary>
internal sealed class PeerWorld : IAsyncDisposable
{
    private readonly int _bytes;

    private PeerWorld(Cluster cluster, int bytes) => (Cluster, _bytes) = (cluster, bytes);

    public static Rank Zero { get; } = new(0);

    public Cluster Cluster { get; }

    public TestNode Owner { get; private set; } = null!;

    public TestNode Peer { get; private set; } = null!;

    public TestTrainer Trainer { get; private set; } = null!;

    public Layout Layout => new LayoutBuilder().Add("own", DType.U8, [_bytes]).Build();

    public static async Task<PeerWorld> StartAsync(
        int bytes = 10_000, Func<AgentOptions, AgentOptions>? owner = null, Func<AgentOptions, AgentOptions>? peer = null)
    {
        var world = new PeerWorld(await Cluster.StartAsync(), bytes);
        world.Owner = await world.Cluster.StartNodeAsync("node-a", owner);
        world.Peer = await world.Cluster.StartNodeAsync("node-b", peer);
        world.Trainer = world.Owner.Trainer(Zero, 1);
        await world.Trainer.JoinAsync("first");
        await world.Trainer.RegisterAsync(world.Layout);
        return world;
    }

    /// <summary>What the service says from now on, at the next heartbeat.</summary>
    public void Say(TestNode? peer, int? sealedStep = null, int? protectedStep = null, int attempt = 1) =>
        Cluster.Service.Progress[TestWorld.Run] = new RunProgress
        {
            Run = TestWorld.Run,
            Attempt = new Attempt(attempt),
            GivenUp = [],
            GloballySealed = sealedStep is { } step ? Id(step) : null,
            Protected = protectedStep is { } kept ? Id(kept) : null,
            Peer = peer is null ? null : new ReplicaPeer { Node = peer.Options.Node, Address = peer.Address },
        };

    public byte[] ImageOf(int step) => TestBytes.Make(_bytes, step);

    public async Task SaveAsync(int step, string? extra = null) =>
        Assert.Equal(
            Contracts.Trainers.SnapshotState.Sealed,
            (await Trainer.SaveAsync(step, Layout, ImageOf(step), extra, durable: false)).State);

    public static CheckpointId Id(int step, int attempt = 1) => new(new Step(step), new Attempt(attempt));

    /// <summary>Steps of the rank that a node serves.</summary>
    public static async Task<bool> HoldsAsync(TestNode node, CheckpointId checkpoint)
    {
        using var response = await node.Network.GetAsync(
            new Uri($"/v1/images/{TestWorld.Run}/0/{checkpoint}", UriKind.Relative), TestContext.Current.CancellationToken);
        return response.IsSuccessStatusCode;
    }

    public static async Task<byte[]> ReadAsync(TestNode node, CheckpointId checkpoint) => await node.Network.GetByteArrayAsync(
        new Uri($"/v1/images/{TestWorld.Run}/0/{checkpoint}/data", UriKind.Relative), TestContext.Current.CancellationToken);

    public Task UntilHeldAsync(TestNode node, int step) => UntilAsync(
        () => HoldsAsync(node, Id(step)), $"node {node.Options.Node} to hold step {step}");

    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(15), $"Waited 15 s for {what}.");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    public ValueTask DisposeAsync() => Cluster.DisposeAsync();
}
