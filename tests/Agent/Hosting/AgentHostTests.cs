using System.Net.Sockets;
using Checkpointer.Agent.Tests.Nodes;
using Checkpointer.Agent.Tests.Worlds;
using Checkpointer.Contracts.Problems;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage;
using Checkpointer.Storage.Repository;

namespace Checkpointer.Agent.Tests.Hosting;

public sealed class AgentHostTests
{
    [Fact]
    public async Task Socket_IsForOwnerAndGroupAlone()
    {
        await using var cluster = await Cluster.StartAsync();
        var node = await cluster.StartNodeAsync();

        const UnixFileMode readWrite =
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
        Assert.Equal(readWrite, File.GetUnixFileMode(node.Options.Socket));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                | UnixFileMode.GroupRead | UnixFileMode.GroupExecute,
            File.GetUnixFileMode(Path.GetDirectoryName(node.Options.Socket)!));
    }

    [Fact]
    public async Task Socket_ThatAKilledAgentLeft_IsReplaced()
    {
        await using var cluster = await Cluster.StartAsync();
        var options = TestNode.OptionsFor(cluster.Service, cluster.Folder);
        Directory.CreateDirectory(Path.GetDirectoryName(options.Socket)!);
        using (var abandoned = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            // Closing a socket removes the file of the name that it was bound to, which is not this one any more.
            abandoned.Bind(new UnixDomainSocketEndPoint(options.Socket + ".old"));
            File.Move(options.Socket + ".old", options.Socket);
        }

        Assert.True(Path.Exists(options.Socket), "The test needs a socket that nobody listens at.");
        await using var node = await TestNode.StartAsync(options);
        using var response = await node.Trainers.GetAsync(
            new Uri("/v1/agent", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode);
    }

    [Fact]
    public async Task Socket_OfALivingAgent_IsLeftAlone()
    {
        await using var cluster = await Cluster.StartAsync();
        var living = await cluster.StartNodeAsync();

        var error = await Assert.ThrowsAsync<CheckpointerException>(
            () => TestNode.StartAsync(living.Options with { Node = "node-b" }));
        Assert.Equal(ErrorCode.ConfigurationInvalid, error.Code);
        Assert.Contains("Another agent listens", error.Message, StringComparison.Ordinal);
        using var response = await living.Trainers.GetAsync(
            new Uri("/v1/agent", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode);
    }

    [Fact]
    public async Task Socket_WhereAFileIs_IsRefusedAndTheFileKept()
    {
        await using var cluster = await Cluster.StartAsync();
        var options = TestNode.OptionsFor(cluster.Service, cluster.Folder);
        Directory.CreateDirectory(Path.GetDirectoryName(options.Socket)!);
        await File.WriteAllTextAsync(options.Socket, "precious", TestContext.Current.CancellationToken);

        var error = await Assert.ThrowsAsync<CheckpointerException>(() => TestNode.StartAsync(options));
        Assert.Equal(ErrorCode.ConfigurationInvalid, error.Code);
        Assert.Equal("precious", await File.ReadAllTextAsync(options.Socket, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Network_HasProbesAndMetricsEvenWithoutTheService()
    {
        await using var cluster = await Cluster.StartAsync();
        var node = await cluster.StartNodeAsync();
        await cluster.SaveAsync(new TestWorld(1), node);
        cluster.Service.IsDown = true;

        Assert.Equal("ok\n", await GetAsync(node, "/healthz/live"));
        Assert.Equal("ok\n", await GetAsync(node, "/healthz/ready"));
        var metrics = await GetAsync(node, "/metrics");
        Assert.Contains("checkpointer_agent_reports_delivered", metrics, StringComparison.Ordinal);
        Assert.Contains("checkpointer_store_duration", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("sft-demo", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Store_IsToldToTheService_AndItsGoingMakesTheAgentUnready()
    {
        await using var cluster = await Cluster.StartAsync();
        var node = await cluster.StartNodeAsync();
        await Waiting.UntilAsync(
            () => cluster.Service.Heartbeats.LastOrDefault()?.Store is { Reachable: true },
            () => $"last heard: {cluster.Service.Heartbeats.LastOrDefault()?.Store}");
        _ = await Cluster.JoinAsync(new TestWorld(1), "first", node);
        Assert.Equal(cluster.Repository.Id, cluster.Service.Joins.Single().Agent.Store!.Repository);
        Assert.Contains("store", cluster.Service.Joins.Single().Agent.Store!.Description, StringComparison.Ordinal);

        Directory.Move(cluster.Folder.File("store"), cluster.Folder.File("moved"));
        await Waiting.UntilAsync(
            () => cluster.Service.Heartbeats.Last().Store is { Reachable: false },
            () => $"last heard: {cluster.Service.Heartbeats.LastOrDefault()?.Store}");
        Assert.Equal(cluster.Repository.Id, cluster.Service.Heartbeats.Last().Store!.Repository);
        var error = await ReadyProblemAsync(node);
        Assert.Equal((ErrorCode.StorageUnavailable, true), (error.Code, error.IsTransient));
        Assert.StartsWith("store: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Store_WithoutRepository_IsNeverMade_AndUsedOnceTheServiceHasMadeIt()
    {
        await using var cluster = await Cluster.StartAsync();
        var path = cluster.Folder.File("other");
        var node = await cluster.StartNodeAsync(change: options => options with { Store = new() { Url = path } });
        await Waiting.UntilAsync(
            () => cluster.Service.Heartbeats.LastOrDefault()?.Store is not null,
            () => $"last heard: {cluster.Service.Heartbeats.LastOrDefault()?.Store}");
        Assert.Contains("not there", (await ReadyProblemAsync(node)).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(path));

        Directory.CreateDirectory(path);
        _ = await Cluster.JoinAsync(new TestWorld(1), "first", node);
        Assert.Null(cluster.Service.Joins.Single().Agent.Store!.Repository);
        Assert.Empty(Directory.EnumerateFiles(path));

        var made = await RepositoryIdentity.EnsureAsync(
            ObjectStores.Open(path), new Random(2), TestContext.Current.CancellationToken);
        await Waiting.UntilAsync(
            () => cluster.Service.Heartbeats.Last().Store?.Repository == made.Id,
            () => $"last heard: {cluster.Service.Heartbeats.LastOrDefault()?.Store}");
        Assert.Equal("ok\n", await GetAsync(node, "/healthz/ready"));
    }

    [Fact]
    public async Task Store_OfAnotherRepositoryThanTheServices_MakesTheAgentUnready()
    {
        await using var cluster = await Cluster.StartAsync();
        cluster.Service.Repository = new string('d', 32);
        var node = await cluster.StartNodeAsync();
        await Waiting.UntilAsync(
            () => cluster.Service.Heartbeats.Count(beat => beat.Store is { Repository: not null }) > 1,
            () => $"last heard: {cluster.Service.Heartbeats.LastOrDefault()?.Store}");

        Assert.Contains(cluster.Service.Repository, (await ReadyProblemAsync(node)).Message, StringComparison.Ordinal);
    }

    private static async Task<CheckpointerException> ReadyProblemAsync(TestNode node)
    {
        using var answer = await node.Network.GetAsync(
            new Uri("/healthz/ready", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.False(answer.IsSuccessStatusCode);
        return await ProblemReader.ReadAsync(answer, TestContext.Current.CancellationToken);
    }

    private static async Task<string> GetAsync(TestNode node, string path) =>
        await node.Network.GetStringAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
}
