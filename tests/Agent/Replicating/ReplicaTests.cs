using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Checkpointer.Agent.Tests.Nodes;
using Checkpointer.Agent.Tests.Worlds;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Problems;
using Checkpointer.Contracts.Replicas;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Tests.Replicating;

/// <summary>Two agents: what one seals, the other soon holds too.</summary>
public sealed class ReplicaTests
{
    [Fact]
    public async Task SealedImage_WithAPeer_IsHeldThereEqualAndReported()
    {
        await using var world = await PeerWorld.StartAsync();
        world.Say(world.Peer);
        await world.SaveAsync(1, """{"cursor":7}""");
        await world.UntilHeldAsync(world.Peer, 1);

        Assert.Equal(world.ImageOf(1), await PeerWorld.ReadAsync(world.Peer, PeerWorld.Id(1)));
        var description = await world.Peer.Network.GetStringAsync(
            new Uri($"/v1/images/{TestWorld.Run}/0/1.1", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Contains("\"cursor\":7", description, StringComparison.Ordinal);
        await Waiting.UntilAsync(() => Copies(world).Any(), () => "no replica report");
        var report = Copies(world).First();
        Assert.Equal(("node-b", PeerWorld.Id(1), PeerWorld.Zero), (report.Node, report.Checkpoint, report.Rank));

        // Only the owner says that the rank has sealed it.
        Assert.All(world.Cluster.Service.Taken.OfType<SnapshotReport>(), sealedBy => Assert.Equal("node-a", sealedBy.Node));
        await Waiting.UntilAsync(
            () => world.Cluster.Service.Heartbeats.Any(beat => beat.Node == "node-b" && beat.Holdings.Any(held => held.Checkpoint == PeerWorld.Id(1))),
            () => "no heartbeat names the copy");
    }

    [Fact]
    public async Task PeerThatChanges_IsOfferedTheNewestImageAtOnce()
    {
        await using var world = await PeerWorld.StartAsync();
        world.Say(world.Peer);
        await world.SaveAsync(1);
        await world.UntilHeldAsync(world.Peer, 1);
        var third = await world.Cluster.StartNodeAsync("node-c");
        world.Say(third);
        await world.UntilHeldAsync(third, 1);
        Assert.Equal(world.ImageOf(1), await PeerWorld.ReadAsync(third, PeerWorld.Id(1)));
    }

    [Fact]
    public async Task AgentsThatRestart_AdoptTheCopyAndOfferAgain()
    {
        await using var world = await PeerWorld.StartAsync();
        world.Say(world.Peer);
        await world.SaveAsync(1);
        await world.UntilHeldAsync(world.Peer, 1);
        var options = world.Peer.Options;
        await world.Cluster.StopNodeAsync(world.Peer);
        var peer = await world.Cluster.StartNodeAsync("node-b", _ => options);
        Assert.Equal(world.ImageOf(1), await PeerWorld.ReadAsync(peer, PeerWorld.Id(1)));
        Assert.Single(Directory.GetFiles(Path.Combine(options.ArenaRoot, "node-b"), "*.arena", SearchOption.AllDirectories));

        // The owner too: what it adopts goes to a peer that has nothing yet.
        var owner = world.Owner.Options;
        await world.Cluster.StopNodeAsync(world.Owner);
        _ = await world.Cluster.StartNodeAsync("node-a", _ => owner);
        var third = await world.Cluster.StartNodeAsync("node-c");
        world.Say(third);
        await world.UntilHeldAsync(third, 1);
    }

    [Fact]
    public async Task Offer_OfAnImageWhoseBytesStayWrong_IsToldOnce_NamingBothNodes()
    {
        await using var world = await PeerWorld.StartAsync();
        var images = new TestWorld(1);
        await using var owner = await FakePeer.StartAsync(images);
        owner.Mangle = (_, image) => image[3000] ^= 1;
        for (var offers = 0; offers < 2; offers++)
        {
            Assert.Equal(
                (HttpStatusCode.Accepted, null), await OfferAsync(world.Peer, TestWorld.Checkpoint, 1, images.Sealed(PeerWorld.Zero), owner.Address, waitMs: 15_000));
            await Waiting.UntilAsync(() => Corrupt(world).Any(), () => "nothing was told");
        }

        // What the rank's outbox has to say behind it: by then a second one would have come.
        owner.Mangle = (_, _) => { };
        Assert.Equal(
            (HttpStatusCode.OK, null), await OfferAsync(world.Peer, TestWorld.Checkpoint, 1, images.Sealed(PeerWorld.Zero), owner.Address, waitMs: 15_000));
        await Waiting.UntilAsync(() => Copies(world).Any(), () => "no replica report");
        var told = Assert.Single(Corrupt(world));
        Assert.Equal(("node-a", "node-b", PeerWorld.Zero, TestWorld.Checkpoint), (told.From, told.Node, told.Rank, told.Checkpoint));
        Assert.Contains("chunk_corrupt: chunk 2", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Offer_OfAnImageThatIsWrongOnceOrAway_IsNoCorruptCopy()
    {
        await using var world = await PeerWorld.StartAsync();
        var images = new TestWorld(1);
        await using var owner = await FakePeer.StartAsync(images);
        var reads = 0;
        owner.Mangle = (_, image) => image[3000] ^= Interlocked.Increment(ref reads) <= 2 ? (byte)1 : (byte)0;
        Assert.Equal((HttpStatusCode.Accepted, null), await OfferAsync(world.Peer, PeerWorld.Id(1), 1, images.Sealed(PeerWorld.Zero), "http://127.0.0.1:9", waitMs: 15_000));
        Assert.Equal(
            (HttpStatusCode.OK, null), await OfferAsync(world.Peer, TestWorld.Checkpoint, 1, images.Sealed(PeerWorld.Zero), owner.Address, waitMs: 15_000));
        Assert.True(reads > 2);
        Assert.Empty(Corrupt(world));
    }

    [Fact]
    public async Task Offer_OfAStaleAttempt_IsRefused()
    {
        await using var world = await PeerWorld.StartAsync();
        world.Say(world.Peer);
        await world.SaveAsync(1);
        await world.UntilHeldAsync(world.Peer, 1);
        world.Say(null, attempt: 3);
        await PeerWorld.UntilAsync(
            async () => await OfferAsync(world, world.Peer, PeerWorld.Id(2), attempt: 2) == (HttpStatusCode.Conflict, ErrorCode.StaleAttempt),
            "the fence to reach the peer");
        Assert.False(await PeerWorld.HoldsAsync(world.Peer, PeerWorld.Id(2)));
    }

    [Fact]
    public async Task Offer_RepeatedOfWhatIsHeld_IsAnsweredAtOnce()
    {
        await using var world = await PeerWorld.StartAsync();
        world.Say(world.Peer);
        await world.SaveAsync(1);
        await world.UntilHeldAsync(world.Peer, 1);
        Assert.Equal((HttpStatusCode.OK, null), await OfferAsync(world, world.Peer, PeerWorld.Id(1), attempt: 1));
        Assert.Equal((HttpStatusCode.OK, null), await OfferAsync(world, world.Peer, PeerWorld.Id(1), attempt: 1));
    }

    [Fact]
    public async Task Offer_ThatDoesNotFitTheBudget_IsRefusedAndTakesNothing()
    {
        await using var world = await PeerWorld.StartAsync(bytes: 3 << 20, peer: options => options with { MemoryBudgetBytes = 3 << 20 });
        world.Say(world.Peer);
        await world.SaveAsync(1);
        await Waiting.UntilAsync(
            () => world.Cluster.Service.Taken.OfType<SnapshotReport>().Any(report => report.Image is not null), () => "no report");
        Assert.Equal(
            ErrorCode.MemoryBudgetExceeded, (await OfferAsync(world, world.Peer, PeerWorld.Id(1), attempt: 1)).Code);
        Assert.Empty(Directory.GetFiles(
            Path.Combine(world.Peer.Options.ArenaRoot, "node-b"), "*.arena", SearchOption.AllDirectories));

        // Nobody's saves suffer.
        world.Say(world.Peer, sealedStep: 1);
        await world.SaveAsync(2);
        world.Say(world.Peer, sealedStep: 2);
        await world.SaveAsync(3);
        await world.SaveAsync(4);
    }

    [Fact]
    public async Task LocalRank_ThatNeedsTheMemory_TakesItFromCopies()
    {
        // Two slots of a local rank fit, or copies and one slot.
        await using var world = await PeerWorld.StartAsync(bytes: 3 << 20, peer: options => options with { MemoryBudgetBytes = 9 << 20 });
        var local = world.Peer.Trainer(new Rank(1), 2);
        var owner = world.Owner.Trainer(PeerWorld.Zero, 2);
        await Task.WhenAll(local.JoinAsync("second"), owner.JoinAsync("second"));
        await owner.RegisterAsync(world.Layout);

        // By the rule this copy must be kept: nothing newer is known to be whole anywhere.
        world.Say(world.Peer, attempt: 2);
        await owner.SaveAsync(1, world.Layout, world.ImageOf(1), durable: false);
        await PeerWorld.UntilAsync(() => PeerWorld.HoldsAsync(world.Peer, PeerWorld.Id(1, attempt: 2)), "the copy");
        world.Say(null, attempt: 2);

        Assert.Equal(2, (await local.RegisterAsync(world.Layout)).Slots.Count);
        var status = await local.SaveAsync(2, world.Layout, world.ImageOf(2), durable: false);
        Assert.Equal(Contracts.Trainers.SnapshotState.Sealed, status.State);
        Assert.False(await PeerWorld.HoldsAsync(world.Peer, PeerWorld.Id(1, attempt: 2)));
    }

    [Fact]
    public async Task NewestImage_Wins_AndOlderOnesGoByTheRule()
    {
        await using var world = await PeerWorld.StartAsync();
        world.Say(world.Peer);
        for (var step = 1; step <= 8; step++)
        {
            await world.SaveAsync(step);
            await world.UntilHeldAsync(world.Peer, step);
            world.Say(world.Peer, sealedStep: step, protectedStep: step);
        }

        Assert.Equal(world.ImageOf(8), await PeerWorld.ReadAsync(world.Peer, PeerWorld.Id(8)));
        Assert.True(
            Directory.GetFiles(Path.Combine(world.Peer.Options.ArenaRoot, "node-b"), "*.arena", SearchOption.AllDirectories).Length <= 3);
    }

    [Fact]
    public async Task ProtectedImage_IsKeptOnBothNodes_ByHoweverManyNewerOnes()
    {
        await using var world = await PeerWorld.StartAsync();
        world.Say(world.Peer, sealedStep: 1, protectedStep: 1);
        await world.SaveAsync(1);
        await world.UntilHeldAsync(world.Peer, 1);
        var newest = 1;
        for (var saves = 0; saves < 4; saves++)
        {
            // A refused step is not taken up again: trainers go on to the next.
            var step = newest;
            await PeerWorld.UntilAsync(() => TrySaveAsync(world, ++step), $"a slot for a step behind {newest}");
            await world.UntilHeldAsync(world.Peer, step);
            newest = step;
            world.Say(world.Peer, sealedStep: newest, protectedStep: 1);
        }

        Assert.Equal(world.ImageOf(1), await PeerWorld.ReadAsync(world.Owner, PeerWorld.Id(1)));
        Assert.Equal(world.ImageOf(1), await PeerWorld.ReadAsync(world.Peer, PeerWorld.Id(1)));
    }

    private static async Task<bool> TrySaveAsync(PeerWorld world, int step)
    {
        try
        {
            await world.SaveAsync(step);
            return true;
        }
        catch (CheckpointerException e) when (e.Code == ErrorCode.SlotBusy)
        {
            Assert.Contains("peer", e.Message, StringComparison.Ordinal);
            return false;
        }
    }

    private static IEnumerable<ReplicaReport> Copies(PeerWorld world) => world.Cluster.Service.Taken.OfType<ReplicaReport>();

    private static IEnumerable<CorruptCopyReport> Corrupt(PeerWorld world) => world.Cluster.Service.Taken.OfType<CorruptCopyReport>();

    private static Task<(HttpStatusCode Status, ErrorCode? Code)> OfferAsync(
        PeerWorld world, TestNode to, CheckpointId checkpoint, int attempt) => OfferAsync(
        to,
        checkpoint,
        attempt,
        world.Cluster.Service.Taken.OfType<SnapshotReport>().First(report => report.Image is not null).Image!,
        world.Owner.Address);

    private static async Task<(HttpStatusCode Status, ErrorCode? Code)> OfferAsync(
        TestNode to, CheckpointId checkpoint, int attempt, SealedImage image, string address, int waitMs = 0)
    {
        var offer = new ReplicaOffer
        {
            Attempt = new Attempt(attempt),
            Node = "node-a",
            Address = address,
            WorldSize = 1,
            Image = image,
            ChunkBytes = TestWorld.DefaultChunkBytes,
            WaitMs = waitMs,
        };
        using var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(offer, ContractsJsonContext.Default.ReplicaOffer));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await to.Network.PostAsync(
            new Uri($"/v1/replicas/{TestWorld.Run}/0/{checkpoint}", UriKind.Relative), content, TestContext.Current.CancellationToken);
        try
        {
            await ProblemReader.EnsureSuccessAsync(response, TestContext.Current.CancellationToken);
            return (response.StatusCode, null);
        }
        catch (CheckpointerException e)
        {
            return (response.StatusCode, e.Code);
        }
    }
}
