using Checkpointer.Agent.Hosting;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Agent.Tests.Hosting;

public sealed class AgentOptionsTests
{
    private static readonly AgentOptions Good = new()
    {
        Node = "node-a.example",
        Store = new() { Url = "/tmp/store" },
        Socket = "/run/checkpointer/agent.sock",
        MemoryBudgetBytes = 1 << 30,
    };

    public static TheoryData<string, Func<AgentOptions, AgentOptions>> Bad => new()
    {
        { "Node", good => good with { Node = "" } },
        { "Node", good => good with { Node = ".." } },
        { "Node", good => good with { Node = "a/b" } },
        { "Node", good => good with { Node = "a\n" } },
        { "Node", good => good with { Node = new string('a', 254) } },
        { "Service", good => good with { Service = new Uri("ftp://127.0.0.1") } },
        { "Service", good => good with { Service = new Uri("http://user:secret@127.0.0.1") } },
        { "Service", good => good with { Service = new Uri("/relative", UriKind.Relative) } },
        { "Listen", good => good with { Listen = new Uri("http://some-host:7071") } },
        { "Advertise", good => good with { Listen = new Uri("http://0.0.0.0:7071") } },
        { "Store", good => good with { Store = new() { Url = " " } } },
        { "Socket", good => good with { Socket = "agent.sock" } },
        { "Socket", good => good with { Socket = "/" + new string('a', AgentOptions.MaxSocketPathBytes) } },
        { "ArenaRoot", good => good with { ArenaRoot = "shm" } },
        { "MemoryBudgetBytes", good => good with { MemoryBudgetBytes = 0 } },
        { "SlotsPerRank", good => good with { SlotsPerRank = 1 } },
        { "SlotsPerRank", good => good with { SlotsPerRank = 9 } },
        { "ChunkBytes", good => good with { ChunkBytes = 0 } },
        { "HeartbeatInterval", good => good with { HeartbeatInterval = TimeSpan.Zero } },
        { "RestoreParallelism", good => good with { RestoreParallelism = 65 } },
        { "RestoreBufferBytes", good => good with { RestoreBufferBytes = 4096 } },
        { "MaxPeerReads", good => good with { MaxPeerReads = 0 } },
    };

    [Fact]
    public void Validate_Defaults_AreGood()
    {
        Good.Validate();
        (Good with { Listen = new Uri("http://0.0.0.0:7071"), Advertise = new Uri("http://10.0.0.7:7071") }).Validate();
        (Good with { Socket = "/" + new string('a', AgentOptions.MaxSocketPathBytes - 1) }).Validate();
        (Good with { Node = new string('a', 253) }).Validate();
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public void Validate_Nonsense_NamesTheSetting(string setting, Func<AgentOptions, AgentOptions> change)
    {
        var error = Assert.Throws<CheckpointerException>(() => change(Good).Validate());
        Assert.Equal(ErrorCode.ConfigurationInvalid, error.Code);
        Assert.Contains($"The agent's {setting} ", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }
}
