using System.Net.Sockets;
using Checkpointer.Agent.Hosting;
using Checkpointer.Agent.Tests.Service;
using Checkpointer.Agent.Tests.Worlds;
using Checkpointer.Formats.Identity;
using Checkpointer.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Tests.Nodes;

/// <summary>A whole agent on this machine: its Unix socket, its TCP port, its arenas in a temporary folder.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _trainers;
    private readonly HttpClient _network;

    private TestNode(AgentOptions options)
    {
        Options = options;
        _app = AgentHost.Build(options, builder =>
        {
            builder.Logging.ClearProviders();
            if (Environment.GetEnvironmentVariable("CHECKPOINTER_TEST_LOG") is not null)
            {
                builder.Logging.AddConsole();
            }
        });
        _trainers = OverSocket(options.Socket);
        _network = new HttpClient();
    }

    public AgentOptions Options { get; }

    public IServiceProvider Services => _app.Services;

    /// <summary>As trainers reach it.</summary>
    public HttpClient Trainers => _trainers;

    /// <summary>As other agents reach it.</summary>
    public HttpClient Network => _network;

    public string Address => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!
        .Addresses.First(address => address.Contains("127.0.0.1", StringComparison.Ordinal));

    public static AgentOptions OptionsFor(FakeService service, TemporaryFolder folder, string node = "node-a") => new()
    {
        Node = node,
        Service = service.Address,
        Store = new() { Url = folder.File("store") },
        Socket = folder.File(Path.Combine(node, "agent.sock")),
        Listen = new Uri("http://127.0.0.1:0"),
        ArenaRoot = folder.File("arena"),
        MemoryBudgetBytes = 64L << 20,
        ChunkBytes = TestWorld.DefaultChunkBytes,
        HeartbeatInterval = TimeSpan.FromMilliseconds(50),
        RestoreBufferBytes = 16 * TestWorld.DefaultChunkBytes,
    };

    public static async Task<TestNode> StartAsync(AgentOptions options)
    {
        var node = new TestNode(options);
        try
        {
            await node._app.StartAsync(TestContext.Current.CancellationToken);
            node._network.BaseAddress = new Uri(node.Address);
            return node;
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    public TestTrainer Trainer(Rank rank, int worldSize) => new(_trainers, rank, worldSize);

    public async ValueTask DisposeAsync()
    {
        _trainers.Dispose();
        _network.Dispose();
        await _app.DisposeAsync();
    }

    public static HttpClient OverSocket(string path) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, token) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), token);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    })
    {
        BaseAddress = new Uri("http://agent"),
    };
}
