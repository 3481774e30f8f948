using System.Globalization;
using Checkpointer.Cli.Local;

namespace Checkpointer.Cli.Demo;

/// <summary>How one torchrun is started: unmodified torchrun, the trainer in tests/trainer, the Python package on its path.</summary>
internal sealed record TrainingJob(
    string Run, PythonRuntime Python, SourceTree Source, DemoOptions Options, int RendezvousPort, string Output)
{
    /// <summary>Nodes that the job needs; one more is the spare.</summary>
    public const int ActiveNodes = 2;

    /// <summary>Ranks per node.</summary>
    public const int RanksPerNode = 2;

    // is_host=0: the store is a process of its own. PyTorch 1.13 ignores the keep-alive settings and needs 10 to 15 s to see
    // that a node is gone. The join timeout is long because a launcher that waits past it fails.
    private const string RendezvousSettings =
        "is_host=0,last_call_timeout=1,keep_alive_interval=1,keep_alive_max_attempt=3,join_timeout=3600";

    private IEnumerable<string> Arguments =>
    [
        "-m", "torch.distributed.run",
        Flag("nnodes", $"{ActiveNodes}:{ActiveNodes}"),
        Flag("nproc_per_node", RanksPerNode),
        Flag("max_restarts", 3),
        Flag("rdzv_id", Run),
        Flag("rdzv_backend", "c10d"),
        Flag("rdzv_endpoint", $"127.0.0.1:{RendezvousPort}"),
        Flag("rdzv_conf", RendezvousSettings),
        Flag("monitor_interval", 1),
        Flag("redirects", "0:2,1:2"),
        Flag("tee", "0:1,1:1"),
        Flag("log_dir", Path.Combine(Output, "torchrun")),
        Source.TrainerScript,
        Flag("steps", Options.Steps),
        Flag("seed", Options.Seed),
        Flag("save-every", Options.SaveEvery),
        Flag("memory-every", Options.MemoryEvery),
        Flag("out", Output),
    ];

    private Dictionary<string, string> EnvironmentOn(LocalNode node) => new()
    {
        ["CHECKPOINTER_RUN"] = Run,
        ["CHECKPOINTER_AGENT_SOCKET"] = node.AgentSocket,
        ["PYTHONPATH"] = Source.HooksFolder,
        ["PYTHONUNBUFFERED"] = "1",
        ["OMP_NUM_THREADS"] = "1",
        ["GLOO_SOCKET_IFNAME"] = "lo",
        ["TRAINER_MASTER_ADDR"] = "127.0.0.1", // torchrun names the host, which need not resolve
    };

    /// <summary>Starts this job's torchrun on <paramref name="node"/>.</summary>
    public void LaunchOn(LocalNode node) => node.Launch($"torchrun-{Run}", Python.Executable, Arguments, EnvironmentOn(node));

    private static string Flag(string name, object value) =>
        string.Create(CultureInfo.InvariantCulture, $"--{name}={value}");
}
