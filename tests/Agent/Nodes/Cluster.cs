using Checkpointer.Agent.Hosting;
using Checkpointer.Agent.Tests.Service;
using Checkpointer.Agent.Tests.Worlds;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Manifests;
using Checkpointer.Storage;
using Checkpointer.Storage.Repository;
using Checkpointer.TestKit;

namespace Checkpointer.Agent.Tests.Nodes;

/// <summary>A service that is a fake, agents that are real, one store.</summary>
internal sealed class Cluster : IAsyncDisposable
{
    private readonly List<TestNode> _nodes = [];

    private Cluster(FakeService service) => Service = service;

    public TemporaryFolder Folder { get; } = new();

    public FakeService Service { get; }

    /// <summary>The store's repository, which the service makes.</summary>
    public RepositoryIdentity Repository { get; private set; } = null!;

    public static async Task<Cluster> StartAsync()
    {
        var cluster = new Cluster(await FakeService.StartAsync());
        cluster.Repository = await RepositoryIdentity.EnsureAsync(
            ObjectStores.Open(cluster.Folder.File("store")), new Random(1), TestContext.Current.CancellationToken);
        return cluster;
    }

    public static async Task<CheckpointerException> RefusedAsync(ErrorCode code, Func<Task> call)
    {
        var error = await Assert.ThrowsAsync<CheckpointerException>(call);
        Assert.Equal(code, error.Code);
        return error;
    }

    public async Task<TestNode> StartNodeAsync(string name = "node-a", Func<AgentOptions, AgentOptions>? change = null)
    {
        var options = TestNode.OptionsFor(Service, Folder, name);
        var node = await TestNode.StartAsync(change is null ? options : change(options));
        _nodes.Add(node);
        return node;
    }

    public async Task StopNodeAsync(TestNode node)
    {
        _nodes.Remove(node);
        await node.DisposeAsync();
    }

    /// <summary>All ranks of <paramref name="world"/> join, register and save step 40; each on its node.</summary>
    public async Task<List<TestTrainer>> SaveAsync(TestWorld world, params TestNode[] nodeOfRank)
    {
        var trainers = await JoinAsync(world, "first", nodeOfRank);
        foreach (var trainer in trainers)
        {
            var layout = world.LayoutOf(trainer.Rank);
            await trainer.RegisterAsync(layout);
            var extra = System.Text.Encoding.UTF8.GetString(TestWorld.Extra(trainer.Rank));
            var status = await trainer.SaveAsync(40, layout, world.ImageOf(trainer.Rank), extra);
            Assert.Equal(Contracts.Trainers.SnapshotState.Durable, status.State);
        }

        return trainers;
    }

    public static async Task<List<TestTrainer>> JoinAsync(TestWorld world, string incarnation, params TestNode[] nodeOfRank)
    {
        var trainers = world.Ranks.Select(rank => nodeOfRank[rank.Value].Trainer(rank, world.Size)).ToList();
        await Task.WhenAll(trainers.Select(trainer => trainer.JoinAsync(incarnation)));
        return trainers;
    }

    /// <summary>Writes the manifest from what the agents have reported.</summary>
    public async Task CommitAsync()
    {
        var shards = Service.Taken.OfType<ShardReport>().OrderBy(report => report.Rank).ToList();
        var manifest = new Manifest
        {
            Run = TestWorld.Run,
            Step = TestWorld.Checkpoint.Step,
            Attempt = TestWorld.Checkpoint.Attempt,
            WorldSize = shards.Count,
            ChunkBytes = TestWorld.DefaultChunkBytes,
            CreatedAt = new DateTimeOffset(2026, 11, 24, 8, 0, 0, TimeSpan.Zero),
            Lineage = [new LineageEntry { Attempt = TestWorld.Checkpoint.Attempt }],
            ImageBytes = shards.Sum(shard => shard.Image.ImageBytes),
            StoredBytes = shards.Sum(shard => shard.StoredBytes),
            Shards =
            [
                .. shards.Select(shard => new ManifestShard
                {
                    Rank = shard.Rank,
                    Layout = shard.Image.Layout,
                    IndexSha256 = shard.IndexSha256,
                    IndexBytes = shard.IndexBytes,
                    Root = shard.Image.Root,
                    ImageBytes = shard.Image.ImageBytes,
                    StoredBytes = shard.StoredBytes,
                    NanCount = shard.Image.NanCount,
                    InfCount = shard.Image.InfCount,
                }),
            ],
        };
        await ObjectStores.Open(Folder.File("store")).PutAsync(
            RepositoryKeys.Manifest(TestWorld.Run, TestWorld.Checkpoint),
            new ObjectContent(manifest.Encode()),
            TestContext.Current.CancellationToken);
    }

    /// <summary>What the next incarnation is to restore, with the given sources of each rank's image.</summary>
    public void PlanResume(Func<Rank, ImageSource[]> sources)
    {
        var images = Service.Taken.OfType<SnapshotReport>()
            .Where(report => report.Outcome == SnapshotOutcome.Sealed && report.Step == TestWorld.Checkpoint.Step)
            .GroupBy(report => report.Rank).Select(reports => reports.First());
        Service.Plan = new RecoveryPlan
        {
            ResumeFrom = TestWorld.Checkpoint,
            Reason = "newest step of all",
            Images =
            [
                .. images.OrderBy(report => report.Rank).Select(report => new ImageSources
                {
                    Rank = report.Rank,
                    Layout = report.Image!.Layout,
                    ImageBytes = report.Image.ImageBytes,
                    Root = report.Image.Root,
                    Sources = sources(report.Rank),
                }),
            ],
        };
    }

    public static ImageSource Memory(TestNode node) =>
        new() { Tier = Tier.Memory, Node = node.Options.Node, Address = node.Address };

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }

        await Service.DisposeAsync();
        Folder.Dispose();
    }
}
