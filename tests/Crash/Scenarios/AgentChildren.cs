using Checkpointer.Agent.Hosting;
using Checkpointer.Agent.Tests.Worlds;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Crash.Tests.Scenarios;

/// <summary>An agent as a process of its own, to be killed.</summary>
internal static class AgentChildren
{
    public const string Agent = "agent";

    public static readonly IReadOnlyDictionary<string, Func<string[], Task<int>>> Programs =
        new Dictionary<string, Func<string[], Task<int>>> { [Agent] = RunAsync };

    /// <summary>Arguments: node, service, store, socket, arena root.</summary>
    private static async Task<int> RunAsync(string[] arguments)
    {
        var app = AgentHost.Build(
            new AgentOptions
            {
                Node = arguments[0],
                Service = new Uri(arguments[1]),
                Store = new() { Url = arguments[2] },
                Socket = arguments[3],
                ArenaRoot = arguments[4],
                Listen = new Uri("http://127.0.0.1:0"),
                MemoryBudgetBytes = 64L << 20,
                ChunkBytes = TestWorld.DefaultChunkBytes,
            },
            builder => builder.Logging.ClearProviders());
        await app.RunAsync();
        return 0;
    }
}
