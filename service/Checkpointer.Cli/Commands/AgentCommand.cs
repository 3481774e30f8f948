using System.CommandLine;
using Checkpointer.Agent.Hosting;
using Checkpointer.Cli.Configuration;

namespace Checkpointer.Cli.Commands;

/// <summary><c>checkpointer agent</c>: the daemon of one node.</summary>
internal static class AgentCommand
{
    private const double BudgetShare = 0.8;

    private static readonly Option<string> Node = new("--node")
    {
        Description = "This node's name, unique among the agents of a service. CHECKPOINTER_NODE; else the host name.",
        HelpName = "NAME",
        DefaultValueFactory = _ => Variables.Get("CHECKPOINTER_NODE") ?? System.Environment.MachineName,
    };

    private static readonly Option<string> Socket = new("--socket")
    {
        Description = "The Unix socket that this node's trainers connect to. CHECKPOINTER_AGENT_SOCKET.",
        HelpName = "PATH",
        DefaultValueFactory = _ => Variables.Get("CHECKPOINTER_AGENT_SOCKET") ?? "/run/checkpointer/agent.sock",
    };

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

    private static readonly Option<string> Arena = new("--arena")
    {
        Description = "Folder in shared memory for snapshots.",
        HelpName = "DIR",
        DefaultValueFactory = _ => "/dev/shm/checkpointer",
    };

    private static readonly Option<long?> MemoryBudget = new("--memory-budget")
    {
        Description = "Memory that snapshots may take, such as 200GiB. Default: four fifths of the arena's file system.",
        HelpName = "SIZE",
        CustomParser = ByteSize.Parse,
    };

    private static readonly Option<int> Slots = new("--slots")
    {
        Description = "Snapshots held of each rank, 2 to 8.",
        DefaultValueFactory = _ => 2,
    };

    /// <summary>The verb with its options.</summary>
    public static Command Create()
    {
        var command = new Command(
            "agent",
            "Runs the agent of this node: it holds snapshots in shared memory, stores them, and rebuilds them after a failure.")
        {
            Node, ServiceSetting.Option, StoreSetting.Option, Socket, Listen, Advertise, Arena, MemoryBudget, Slots,
        };
        command.SetAction((parsed, cancellationToken) => Daemon.RunAsync(
            () => AgentHost.Build(Options(parsed), Daemon.Configure), cancellationToken));
        return command;
    }

    private static AgentOptions Options(ParseResult parsed)
    {
        var arena = Path.GetFullPath(parsed.GetValue(Arena)!);
        return new AgentOptions
        {
            Node = parsed.GetValue(Node)!,
            Service = ServiceSetting.Of(parsed),
            Store = StoreSetting.Of(parsed, ErrorOutput.Warn),
            Socket = Path.GetFullPath(parsed.GetValue(Socket)!),
            Listen = parsed.GetValue(Listen)!,
            Advertise = parsed.GetValue(Advertise),
            ArenaRoot = arena,
            MemoryBudgetBytes = parsed.GetValue(MemoryBudget) ?? DefaultBudget(arena),
            SlotsPerRank = parsed.GetValue(Slots),
        };
    }

    // The drive that holds the longest prefix of the path is the one that the path is on.
    private static long DefaultBudget(string arena) => (long)(BudgetShare * DriveInfo.GetDrives()
        .Where(drive => drive.IsReady && (arena + "/").StartsWith(drive.Name.TrimEnd('/') + "/", StringComparison.Ordinal))
        .MaxBy(drive => drive.Name.Length)!.TotalSize);
}
