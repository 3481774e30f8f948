using Checkpointer.Agent.Tests.Nodes;
using Checkpointer.Agent.Tests.Worlds;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Replicas;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Tests.Replicating;

/// <summary>What a copy does when its owner lies, breaks off or dies.</summary>
public sealed class ReplicaPullTests
{
    private static readonly Rank Zero = new(0);
    private readonly TestWorld _world = new(1);

    [Fact]
    public async Task CorruptBytes_OnTheWay_AreAskedAgain()
    {
        await using var cluster = await Cluster.StartAsync();
        await using var owner = await FakePeer.StartAsync(_world);
        var wrong = 3;
        owner.Mangle = (_, image) => image[1500] ^= (byte)(Interlocked.Decrement(ref wrong) >= 0 ? 1 : 0);
        var node = await cluster.StartNodeAsync("node-b");
        await UntilHeldAsync(node, owner);
        Assert.Equal(_world.ImageOf(Zero), await ReadAsync(node));
        Assert.True(wrong < 0);
    }

    [Fact]
    public async Task BytesThatStayWrong_AreNeverOffered()
    {
        await using var cluster = await Cluster.StartAsync();
        await using var owner = await FakePeer.StartAsync(_world);
        var asked = 0;
        owner.Mangle = (_, image) =>
        {
            Interlocked.Increment(ref asked);
            image[1500] ^= 1;
        };
        var node = await cluster.StartNodeAsync("node-b");
        await PeerWorld.UntilAsync(
            async () =>
            {
                Assert.NotEqual(ReplicaState.Held, (await OfferAsync(node, owner)).State);
                return Volatile.Read(ref asked) > 20;
            },
            "several tries");
        Assert.False(await PeerWorld.HoldsAsync(node, TestWorld.Checkpoint));
        Assert.Empty(cluster.Service.Taken.OfType<ReplicaReport>());
    }

    [Fact]
    public async Task BrokenConnection_OnlyMissingChunksAreReadAgain()
    {
        await using var cluster = await Cluster.StartAsync();
        await using var owner = await FakePeer.StartAsync(_world);
        var node = await cluster.StartNodeAsync("node-b");
        var image = _world.ImageOf(Zero);
        var ranges = new System.Collections.Concurrent.ConcurrentQueue<string>();
        var calls = 0;
        owner.Cut = range =>
        {
            ranges.Enqueue(range);
            return Interlocked.Increment(ref calls) == 2;
        };
        await UntilHeldAsync(node, owner);
        Assert.Equal(image, await ReadAsync(node));

        // Reads are of four chunks here; what a cut read had is all that is read again.
        var expected = ((image.Length - 1) / (4 * TestWorld.DefaultChunkBytes)) + 1;
        Assert.True(expected > 3, "The test needs an image of several reads.");
        var repeated = ranges.Count - ranges.Distinct().Count();
        Assert.InRange(repeated, 1, 2);
        Assert.True(ranges.Count <= expected + 2, string.Join(", ", ranges));
    }

    [Fact]
    public async Task OwnerThatDies_LeavesNoHalfImage()
    {
        await using var cluster = await Cluster.StartAsync();
        var node = await cluster.StartNodeAsync("node-b");
        var second = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (var owner = await FakePeer.StartAsync(_world))
        {
            var calls = 0;
            owner.Cut = _ =>
            {
                var isSecond = Interlocked.Increment(ref calls) >= 2;
                if (isSecond)
                {
                    second.TrySetResult();
                }

                return isSecond;
            };
            await OfferAsync(node, owner);
            await second.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        }

        Assert.False(await PeerWorld.HoldsAsync(node, TestWorld.Checkpoint));
        Assert.Empty(cluster.Service.Taken.OfType<ReplicaReport>());

        // Nor does a restart of the agent make an image of it.
        var options = node.Options;
        await cluster.StopNodeAsync(node);
        var again = await cluster.StartNodeAsync("node-b", _ => options);
        Assert.False(await PeerWorld.HoldsAsync(again, TestWorld.Checkpoint));
    }

    private Task UntilHeldAsync(TestNode node, FakePeer owner) => PeerWorld.UntilAsync(
        async () => (await OfferAsync(node, owner)).State == ReplicaState.Held, "the copy");

    private static Task<byte[]> ReadAsync(TestNode node) => PeerWorld.ReadAsync(node, TestWorld.Checkpoint);

    private async Task<ReplicaOfferResult> OfferAsync(TestNode node, FakePeer owner)
    {
        var offer = new ReplicaOffer
        {
            Attempt = TestWorld.Checkpoint.Attempt,
            Node = "node-a",
            Address = owner.Address,
            WorldSize = 1,
            Image = _world.Sealed(Zero),
            ChunkBytes = TestWorld.DefaultChunkBytes,
            WaitMs = 50,
        };
        using var content = new ByteArrayContent(
            System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(offer, ContractsJsonContext.Default.ReplicaOffer));
        content.Headers.ContentType = new("application/json");
        using var response = await node.Network.PostAsync(
            new Uri($"/v1/replicas/{TestWorld.Run}/0/{TestWorld.Checkpoint}", UriKind.Relative), content, TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, response.StatusCode.ToString());
        return System.Text.Json.JsonSerializer.Deserialize(
            await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken), ContractsJsonContext.Default.ReplicaOfferResult)!;
    }
}
