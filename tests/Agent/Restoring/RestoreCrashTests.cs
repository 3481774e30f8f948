using Checkpointer.Agent.Tests.Nodes;
using Checkpointer.Agent.Tests.Worlds;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Storage.CrashPoints;
using Checkpointer.TestKit.Processes;

namespace Checkpointer.Agent.Tests.Restoring;

/// <summary>An agent that is killed in the middle of a restore comes up again and restores.</summary>
public sealed class RestoreCrashTests
{
    [Fact]
    public async Task KilledWhileBuilding_TheNextAgentRestores()
    {
        var world = new TestWorld(1);
        await using var cluster = await Cluster.StartAsync();
        var saver = await cluster.StartNodeAsync("node-a");
        await cluster.SaveAsync(world, saver);
        await cluster.CommitAsync();
        await cluster.StopNodeAsync(saver);
        cluster.PlanResume(_ => [new ImageSource { Tier = Tier.Storage }]);
        var options = TestNode.OptionsFor(cluster.Service, cluster.Folder, "node-b");

        var child = ChildProcess.RunAsync(
            AgentChildren.Agent,
            [options.Node, options.Service.ToString(), options.Store.Url, options.Socket, options.ArenaRoot],
            CrashPointNames.RestoreBuilding,
            TestContext.Current.CancellationToken);
        await Waiting.UntilAsync(
            () => File.Exists(options.Socket) || child.IsCompleted,
            () => child.IsCompleted ? child.Result.ToString() : "the child does not listen");
        using (var agent = TestNode.OverSocket(options.Socket))
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => RestoreAsync(world, agent));
        }

        Assert.True((await child).WasKilled, (await child).ToString());
        Assert.True(File.Exists(options.Socket), "A killed agent leaves its socket; the next one must cope.");
        await using var next = await TestNode.StartAsync(options);
        var restored = await RestoreAsync(world, next.Trainers);
        Assert.Equal(world.ImageOf(new Rank(0)), restored);
    }

    private static async Task<byte[]> RestoreAsync(TestWorld world, HttpClient agent)
    {
        var trainer = new TestTrainer(agent, new Rank(0), 1);
        var layout = world.LayoutOf(new Rank(0));
        await trainer.JoinAsync("second");
        await trainer.RegisterAsync(layout);
        return TestTrainer.Read((await trainer.RestoreAsync(layout)).Slot!, layout.ImageBytes);
    }
}
