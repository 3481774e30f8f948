using Checkpointer.Chaos.Worlds;
using Checkpointer.Cli;
using Checkpointer.Cli.Demo;
using Checkpointer.Cli.Local;

namespace Checkpointer.Chaos.Jobs;

/// <summary>The job under an unmodified torchrun, which restarts ranks by itself and takes in a spare node.</summary>
internal sealed class TorchrunJob : IJob
{
    private readonly ChaosWorld _world;
    private readonly TrainingJob _job;
    private readonly Rendezvous _rendezvous;
    private bool _spareParked;

    private TorchrunJob(ChaosWorld world, TrainingJob job, Rendezvous rendezvous) =>
        (_world, _job, _rendezvous) = (world, job, rendezvous);

    /// <inheritdoc/>
    public string Run => _job.Run;

    /// <inheritdoc/>
    public string Output => _job.Output;

    /// <inheritdoc/>
    public bool IsOver => Launchers.Count(launcher => launcher is { HasExited: true, ExitCode: 0 }) >= TrainingJob.ActiveNodes;

    /// <inheritdoc/>
    public bool CanReplaceNodes => _spareParked;

    /// <inheritdoc/>
    public IReadOnlyDictionary<int, (ChaosNode Node, int Pid)> Ranks => _world.Nodes
        .SelectMany(node => node.Local.RankPids().Select(rank => (Rank: rank.Key, Node: node, Pid: rank.Value)))
        .DistinctBy(rank => rank.Rank)
        .ToDictionary(rank => rank.Rank, rank => (rank.Node, rank.Pid));

    private IEnumerable<ChildProcess> Launchers => _world.Nodes.Select(node => node.Local.Launcher).OfType<ChildProcess>();

    /// <summary>Starts it on the first two nodes.</summary>
    public static async Task<TorchrunJob> StartAsync(
        ChaosWorld world, string run, TrainingArguments arguments, CancellationToken cancellationToken)
    {
        var options = new DemoOptions
        {
            Kill = KillTarget.Node,
            Steps = arguments.Steps,
            Seed = arguments.Seed,
            SaveEvery = TrainingArguments.SaveEvery,
            MemoryEvery = TrainingArguments.MemoryEvery,
            OpenStoreAsync = (_, _, _) => Task.FromResult(world.Store.Local),
        };
        var job = new TrainingJob(run, world.Python, world.Source, options, Ports.Free(1)[0], world.Workspace.Output(run));
        var rendezvous = Rendezvous.Start(job, world.Workspace);
        await rendezvous.WaitAsync(TimeProvider.System, cancellationToken);
        foreach (var node in world.Nodes.Take(TrainingJob.ActiveNodes))
        {
            job.LaunchOn(node.Local);
        }

        return new TorchrunJob(world, job, rendezvous);
    }

    /// <summary>
    /// Has the third node wait as a spare. Only before a node is lost: with three launchers for two places, torchrun restarts
    /// the others again and again for the sake of the one that waits.
    /// </summary>
    public void ParkSpare()
    {
        _job.LaunchOn(_world.Nodes[^1].Local);
        _spareParked = true;
    }

    /// <inheritdoc/>
    public Task TickAsync(CancellationToken cancellationToken)
    {
        var failed = Launchers.FirstOrDefault(launcher => launcher.HasExited && launcher.ExitCode is not (0 or 137));
        return failed is null
            ? Task.CompletedTask
            : throw new CliException($"{failed.Name} ended with status {failed.ExitCode}:\n{failed.Tail(30)}");
    }

    /// <inheritdoc/>
    public void Abandon(IReadOnlyCollection<int> pids) =>
        throw new InvalidOperationException("torchrun knows nothing of ranks that hang.");

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var node in _world.Nodes)
        {
            await node.Local.StopLauncherAsync();
        }

        await _rendezvous.DisposeAsync();
    }
}
