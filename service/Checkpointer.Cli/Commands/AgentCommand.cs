using System.CommandLine;
using Checkpointer.Agent.Hosting;
using Checkpointer.Cli.Configuration;

namespace Checkpointer.Cli.Commands;

/// <summary><c>checkpointer agent</c>: the daemon of one node.</summary>
internal static class AgentCommand
{
    private static readonly Option<Uri?> Listen = new("--listen")
    {
        Description = "Where other agents, probes and metrics scrapers reach this one.",
        HelpName = "URL",
        CustomParser = Addresses.Parse,
        DefaultValueFactory = _ => new Uri("http://127.0.0.1:7071"),
    };

    private static readonly Option<Uri?> Advertise = new("--advertise")
    {
        Description = "The address that other agents are told, if it is not the one listened on.",
        HelpName = "URL",
        CustomParser = Addresses.Parse,
    };

    private static readonly Option<int> Slots = new("--slots")
    {
        Description = "Snapshots held of each rank, 2 to 8; 2 where memory has no room for more.",
        HelpName = "N",
        CustomParser = WholeNumber.Between(2, 8, example: 3),
        DefaultValueFactory = _ => 3,
    };

    private static readonly Option<long?> PeerBandwidth = new("--peer-bandwidth")
    {
        Description = "Most bytes a second that this agent copies from others as their peer, such as 500MiB; no limit if not given.",
        HelpName = "SIZE",
        CustomParser = ByteSize.Parse,
    };

    private static readonly Option<int> PeerCopies = new("--peer-copies")
    {
        Description = "Images of others that are copied here at the same time, 1 to 64.",
        HelpName = "N",
        CustomParser = WholeNumber.Between(1, 64, example: 2),
        DefaultValueFactory = _ => 2,
    };

    private static readonly Option<string?> Domain = new("--domain")
    {
        Description = "What fails together with this node, such as its rack: copies go to another one. The node alone if not given.",
        HelpName = "NAME",
    };

    /// <summary>The verb with its options.</summary>
    public static Command Create()
    {
        var command = new Command(
            "agent",
            "Runs the agent of this node: it holds snapshots in shared memory, stores them, and rebuilds them after a failure.")
        {
            NodeSettings.Node, ServiceSetting.Option, StoreSetting.Option, NodeSettings.Socket, Listen, Advertise,
            NodeSettings.Arena, NodeSettings.MemoryBudget, Slots, PeerBandwidth, PeerCopies, Domain,
        };
        command.SetAction((parsed, cancellationToken) => Daemon.RunAsync(
            () => AgentHost.Build(Options(parsed), Daemon.Configure), cancellationToken));
        return command;
    }

    private static AgentOptions Options(ParseResult parsed) => new()
    {
        Node = parsed.GetValue(NodeSettings.Node)!,
        Service = ServiceSetting.Of(parsed),
        Store = StoreSetting.Of(parsed, ErrorOutput.Warn),
        Socket = NodeSettings.SocketOf(parsed),
        Listen = parsed.GetValue(Listen)!,
        Advertise = parsed.GetValue(Advertise),
        ArenaRoot = NodeSettings.ArenaOf(parsed),
        MemoryBudgetBytes = NodeSettings.MemoryBudgetOf(parsed),
        SlotsPerRank = parsed.GetValue(Slots),
        ReplicaBytesPerSecond = parsed.GetValue(PeerBandwidth) ?? 0,
        MaxReplicaPulls = parsed.GetValue(PeerCopies),
        Domain = parsed.GetValue(Domain),
    };
}
