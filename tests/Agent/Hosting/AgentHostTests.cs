using System.Net.Sockets;
using Checkpointer.Agent.Tests.Nodes;
using Checkpointer.Agent.Tests.Worlds;
using Checkpointer.Formats.Errors;

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

    private static async Task<string> GetAsync(TestNode node, string path) =>
        await node.Network.GetStringAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
}
