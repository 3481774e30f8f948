using System.CommandLine;

namespace Checkpointer.Cli.Configuration;

/// <summary>What describes a node: the options that its agent takes and that <c>doctor</c> looks at.</summary>
internal static class NodeSettings
{
    private const string SocketVariable = "CHECKPOINTER_AGENT_SOCKET";
    private const double BudgetShare = 0.8;

    /// <summary>The node's name.</summary>
    public static readonly Option<string> Node = new("--node")
    {
        Description = "This node's name, unique among the agents of a service. CHECKPOINTER_NODE; else the host name.",
        HelpName = "NAME",
        DefaultValueFactory = _ => Variables.Get("CHECKPOINTER_NODE") ?? System.Environment.MachineName,
    };

    /// <summary>The Unix socket between trainers and agent.</summary>
    public static readonly Option<string?> Socket = new("--socket")
    {
        Description = $"The Unix socket that this node's trainers connect to. {SocketVariable}; else /run/checkpointer/agent.sock.",
        HelpName = "PATH",
    };

    /// <summary>Where snapshots lie.</summary>
    public static readonly Option<string> Arena = new("--arena")
    {
        Description = "Folder in shared memory for snapshots.",
        HelpName = "DIR",
        DefaultValueFactory = _ => "/dev/shm/checkpointer",
    };

    /// <summary>How much memory snapshots may take.</summary>
    public static readonly Option<long?> MemoryBudget = new("--memory-budget")
    {
        Description = "Memory that snapshots may take, such as 200GiB. Default: four fifths of the arena's file system.",
        HelpName = "SIZE",
        CustomParser = ByteSize.Parse,
    };

    /// <summary>The socket's path, in full.</summary>
    public static string SocketOf(ParseResult parsed) => Path.GetFullPath(
        parsed.GetValue(Socket) ?? Variables.Get(SocketVariable) ?? "/run/checkpointer/agent.sock");

    /// <summary>Whether the user named a socket, so that an agent is expected there.</summary>
    public static bool NamesSocket(ParseResult parsed) => parsed.GetValue(Socket) is not null || Variables.Get(SocketVariable) is not null;

    /// <summary>The arena's folder, in full.</summary>
    public static string ArenaOf(ParseResult parsed) => Path.GetFullPath(parsed.GetValue(Arena)!);

    /// <summary>The budget in bytes.</summary>
    public static long MemoryBudgetOf(ParseResult parsed) =>
        parsed.GetValue(MemoryBudget) ?? (long)(BudgetShare * DriveOf(ArenaOf(parsed)).TotalSize);

    /// <summary>The file system that a path is on: the one mounted at the path's longest prefix.</summary>
    public static DriveInfo DriveOf(string path) => DriveInfo.GetDrives()
        .Where(drive => drive.IsReady && (path + "/").StartsWith(drive.Name.TrimEnd('/') + "/", StringComparison.Ordinal))
        .MaxBy(drive => drive.Name.Length)!;
}
