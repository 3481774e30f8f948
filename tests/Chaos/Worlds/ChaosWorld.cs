using System.Net;
using Checkpointer.Chaos.Announcing;
using Checkpointer.Chaos.Jobs;
using Checkpointer.Chaos.Strikes;
using Checkpointer.Cli;
using Checkpointer.Cli.Local;
using Checkpointer.Contracts.Runs;

namespace Checkpointer.Chaos.Worlds;

/// <summary>
/// Everything real: service, agents, store, and whoever starts again what has ended. What a supervisor, a launcher or a
/// scheduler does happens while a campaign waits for something.
/// </summary>
internal sealed class ChaosWorld : IAsyncDisposable
{
    /// <summary>Nodes: two with ranks, one spare.</summary>
    public const int NodeCount = 3;

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(30);
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(1);

    private readonly Stack<Func<ValueTask>> _dispose = new();

    private ChaosWorld(LocalWorkspace workspace, PythonRuntime python, SourceTree source) =>
        (Workspace, Python, Source) = (workspace, python, source);

    /// <summary>Folders and logs.</summary>
    public LocalWorkspace Workspace { get; }

    /// <summary>The Python that trains.</summary>
    public PythonRuntime Python { get; }

    /// <summary>The source tree.</summary>
    public SourceTree Source { get; }

    /// <summary>Hears of crash points.</summary>
    public CrashPointListener Listener { get; private set; } = null!;

    /// <summary>Service and agents.</summary>
    public LocalCluster Cluster { get; private set; } = null!;

    /// <summary>The store.</summary>
    public ChaosStore Store { get; private set; } = null!;

    /// <summary>The agents' network, if they have one of their own.</summary>
    public AgentNetwork? Network { get; private set; }

    /// <summary>Why they have none.</summary>
    public string? WhyNoNetwork { get; private set; }

    /// <summary>The nodes.</summary>
    public IReadOnlyList<ChaosNode> Nodes { get; private set; } = [];

    /// <summary>The job that runs.</summary>
    public IJob? Job { get; set; }

    /// <summary>Where the job's run stands, as far as the service was heard of; null before it knows it.</summary>
    public RunSummary? Progress { get; private set; }

    /// <summary>The newest step in the ledger.</summary>
    public long Step => Progress?.LedgerStep?.Value ?? 0;

    /// <summary>The newest committed step.</summary>
    public long CommittedStep => Progress?.Committed?.Step.Value ?? 0;

    /// <summary>Starts it.</summary>
    public static async Task<ChaosWorld> StartAsync(ChaosOptions options, Action<string> say, CancellationToken cancellationToken)
    {
        var workspace = LocalWorkspace.Create(options.KeepFolder);
        ChaosWorld? world = null;
        try
        {
            var python = await PythonRuntime.FindOrInstallAsync(say, workspace.Log("install"), cancellationToken);
            world = new ChaosWorld(workspace, python, SourceTree.Find());
            await world.StartPartsAsync(options, say, cancellationToken);
            return world;
        }
        catch
        {
            await (world?.DisposeAsync() ?? ValueTask.CompletedTask);
            workspace.Dispose();
            throw;
        }
    }

    /// <summary>A job to watch, in place of the one before.</summary>
    public void Watch(IJob job) => (Job, Progress) = (job, null);

    /// <summary>
    /// Keeps everything running until <paramref name="condition"/> holds; throws <see cref="CliException"/> after
    /// <paramref name="deadline"/>.
    /// </summary>
    public async Task WaitAsync(string what, Func<Task<bool>> condition, TimeSpan deadline, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(began) > deadline)
            {
                throw new CliException($"Gave up after {deadline.TotalSeconds:0} s waiting until {what}. {Describe()}");
            }

            await Task.Delay(LookEvery, TimeProvider.System, cancellationToken);
            await TickAsync(cancellationToken);
        }
    }

    /// <summary>The same for what can be told at once.</summary>
    public Task WaitAsync(string what, Func<bool> condition, TimeSpan deadline, CancellationToken cancellationToken) =>
        WaitAsync(what, () => Task.FromResult(condition()), deadline, cancellationToken);

    /// <summary>Keeps everything running for a while.</summary>
    public Task PassAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        return WaitAsync("time has passed", () => TimeProvider.System.GetElapsedTime(began) > time, 10 * time, cancellationToken);
    }

    /// <summary>Asks the service, which may be down or stopped: null then.</summary>
    public static async Task<T?> AskAsync<T>(Func<CancellationToken, Task<T?>> ask, CancellationToken cancellationToken)
        where T : class
    {
        using var soon = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        soon.CancelAfter(AnswerWithin);
        try
        {
            return await ask(soon.Token);
        }
        catch (Exception e) when (e is IOException or HttpRequestException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await (Job?.DisposeAsync() ?? ValueTask.CompletedTask);
        while (_dispose.TryPop(out var dispose))
        {
            await dispose();
        }

        Workspace.Dispose();
    }

    private async Task StartPartsAsync(ChaosOptions options, Action<string> say, CancellationToken cancellationToken)
    {
        Listener = new CrashPointListener(Path.Combine(Workspace.Arenas, "points.sock"), PhasePoints.All);
        _dispose.Push(Listener.DisposeAsync);
        Store = await ChaosStore.OpenAsync(options.Store, options.Seed, Source, Workspace, say, cancellationToken);
        _dispose.Push(Store.DisposeAsync);
        (Network, WhyNoNetwork) = Store.IsFolder
            ? await AgentNetwork.TryCreateAsync(NodeCount, cancellationToken)
            : (null, "the S3 server listens on loopback, which no network namespace reaches");
        if (Network is { } network)
        {
            _dispose.Push(network.DisposeAsync);
        }

        Cluster = await LocalCluster.StartAsync(
            Workspace,
            Store.Local,
            NodeCount,
            TimeProvider.System,
            Network?.ServiceAddress ?? IPAddress.Loopback,
            node => Network?.PlaceOf(node) ?? LocalPlace.Loopback,
            cancellationToken);
        _dispose.Push(Cluster.DisposeAsync);
        Nodes = [.. Cluster.Nodes.Select(node => new ChaosNode(node, Workspace, Python, Source))];
        foreach (var node in Nodes)
        {
            _dispose.Push(node.DisposeAsync);
            await node.StartAsync(cancellationToken);
        }
    }

    private async Task TickAsync(CancellationToken cancellationToken)
    {
        if (Cluster.ServicePid is null)
        {
            await Cluster.StartServiceAsync(cancellationToken);
        }

        foreach (var node in Nodes)
        {
            await node.TickAsync(cancellationToken);
        }

        if (Job is { } job)
        {
            await job.TickAsync(cancellationToken);
            Progress = await AskAsync(token => Cluster.Api.RunAsync(job.Run, token), cancellationToken) ?? Progress;
        }
    }

    private string Describe() =>
        $"Step {Step}, committed {CommittedStep}, attempt {Progress?.Attempt}; up: {string.Join(", ", Nodes.Where(node => node.IsUp).Select(node => node.Name))}; "
        + $"ranks: {string.Join(", ", Job?.Ranks.Select(rank => $"{rank.Key} on {rank.Value.Node.Name}") ?? [])}.";
}
