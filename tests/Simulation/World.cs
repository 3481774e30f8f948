using Checkpointer.Formats.Identity;
using Checkpointer.Service.Hosting;
using Checkpointer.Simulation.Faults;
using Checkpointer.Simulation.Journaling;
using Checkpointer.Simulation.Model;
using Checkpointer.Simulation.Network;
using Checkpointer.Simulation.Processes;
using Checkpointer.Simulation.Scheduling;
using Checkpointer.Simulation.Storing;
using Checkpointer.Simulation.Trainers;
using Checkpointer.Storage;

namespace Checkpointer.Simulation;

/// <summary>Everything there is in one simulated world: service, nodes, ranks, network, store, and what is known to be true.</summary>
internal sealed class World : IDisposable
{
    public const string ServiceNode = "service";
    public const int ChunkBytes = 4096;

    public static readonly Uri ServiceAddress = new("http://service.simulated:7070");

    private readonly Scheduler _scheduler;
    private readonly SortedDictionary<string, long> _counts = new(StringComparer.Ordinal);
    private readonly List<(Func<bool> Holds, TaskCompletionSource Ended)> _waiting = [];
    private int _serviceLives;
    private SimulationException? _failure;

    public World(Scheduler scheduler, SeedOptions options, string folder)
    {
        (_scheduler, Folder) = (scheduler, folder);
        Random = new Random(options.Seed);
        Plan = Plan.Draw(Random);
        Network = new SimulatedNetwork(scheduler, new Links(Random.Next()) { Hit = name => Count($"hit {name}") });
        Bucket = new Bucket(scheduler);
        BucketFaults = new BucketFaults { Hit = name => Count($"hit {name}") };
        Training = new TrainingState(Plan.WorldSize, options.Seed);
        Model = new ReferenceModel(this);
        Nodes = [.. Enumerable.Range(0, Plan.Nodes + Plan.Spares).Select(number => new SimulatedNode(this, number))];
        Launcher = new Launcher(this);
        Faults = new FaultDriver(this, options);
    }

    public static RunId Run { get; } = RunId.Parse("simulated");

    public string Folder { get; }

    public Random Random { get; }

    public Plan Plan { get; }

    public Scheduler Scheduler => _scheduler;

    public SimulatedNetwork Network { get; }

    public Bucket Bucket { get; }

    public BucketFaults BucketFaults { get; }

    public JournalDisk Journal { get; } = new();

    public TrainingState Training { get; }

    public ReferenceModel Model { get; }

    public IReadOnlyList<SimulatedNode> Nodes { get; }

    public Launcher Launcher { get; }

    public FaultDriver Faults { get; }

    /// <summary>The service's present or last life; null before the first.</summary>
    public ServiceProcess? Service { get; private set; }

    /// <summary>How often things happened, by name.</summary>
    public IReadOnlyDictionary<string, long> Counts => _counts;

    public StoreOptions StoreOptions { get; } = new() { Url = "s3://simulated" };

    public ServiceOptions ServiceOptions { get; } = new()
    {
        DataPath = "/simulated",
        Store = new StoreOptions { Url = "s3://simulated" },
        Listen = ServiceAddress,
        CheckpointDeadline = TimeSpan.FromSeconds(30),
        AgentTimeout = TimeSpan.FromSeconds(5),
        CommitRetryDelay = TimeSpan.FromMilliseconds(500),
        CommitPatience = TimeSpan.FromSeconds(2),
        CommitTimeout = TimeSpan.FromSeconds(30),
        SnapshotEveryEntries = 100,
        ScrubInterval = TimeSpan.FromSeconds(20),
        SweepInterval = TimeSpan.FromSeconds(15),
        SweepGrace = TimeSpan.FromSeconds(5),
    };

    public SimulatedProcess NewProcess(string name, string node) => new(_scheduler, name, node, Random.Next());

    public SimulatedObjectStore StoreOf(SimulatedProcess process) =>
        new(Bucket, BucketFaults, Network.Links, _scheduler, process, new Random(process.Random.Next()));

    public void StartService()
    {
        if (Service is not { Process.Alive: true })
        {
            Service = new ServiceProcess(this, ++_serviceLives);
        }
    }

    public void Count(string name, long times = 1)
    {
        if (times > 0)
        {
            _counts[name] = _counts.GetValueOrDefault(name) + times;
        }
    }

    /// <summary>A rank has ended by itself.</summary>
    public void RankEnded(TrainerRank rank, Formats.Errors.CheckpointerException why)
    {
        Count($"ranks ended: {why.Code}");
        _scheduler.Trace.Remark(_scheduler.NowTicks, $"{rank.Process.Name} ends: {why.Message}");
        Model.RankEnded(rank, why);
    }

    /// <summary>A process said what none may ever say.</summary>
    public void Unheard(string process, string what) => Fail(new SimulationException("unhandled", $"{process}: {what}"));

    /// <summary>The seed fails; the first reason counts.</summary>
    public void Fail(SimulationException failure) => _failure ??= failure;

    /// <summary>Everything comes up.</summary>
    public void Start()
    {
        StartService();
        foreach (var node in Nodes)
        {
            node.Start();
        }

        _ = Launcher.RunAsync();
    }

    /// <summary>All that followed from an event has happened: what is true is checked, and what is due is done.</summary>
    public void Settled()
    {
        if (_failure is not null)
        {
            throw _failure;
        }

        Model.Check();
        Faults.Advance();
        for (var i = _waiting.Count - 1; i >= 0; i--)
        {
            if (_waiting[i].Holds())
            {
                _waiting[i].Ended.SetResult();
                _waiting.RemoveAt(i);
            }
        }
    }

    /// <summary>Ends after the event after which <paramref name="holds"/>.</summary>
    public Task WhenAsync(Func<bool> holds)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting.Add((holds, ended));
        return ended.Task;
    }

    /// <summary>All faults end.</summary>
    public void Heal() => Faults.Heal();

    public void Dispose()
    {
        Mappings.Remove(Folder);
        if (Directory.Exists(Folder))
        {
            Directory.Delete(Folder, recursive: true);
        }
    }
}
