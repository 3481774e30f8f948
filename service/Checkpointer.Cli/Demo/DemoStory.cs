using System.Globalization;
using Checkpointer.Cli.Local;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Cli.Demo;

/// <summary>
/// The plot: the job uninterrupted, the same job with a failure, and a comparison of the two bit for bit.
/// </summary>
internal sealed class DemoStory(DemoOptions options, DemoConsole console, TimeProvider time)
{
    private const string BaselineRun = "uninterrupted";
    private const string RecoveredRun = "with-failure";
    private static readonly TimeSpan RunDeadline = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(250);

    /// <summary>Plays it and returns what was found. Leaves no process and nothing in shared memory, however it ends.</summary>
    public async Task<DemoReport> PlayAsync(CancellationToken cancellationToken)
    {
        var source = SourceTree.Find();
        using var workspace = LocalWorkspace.Create(options.KeepFolder);
        var python = await PythonRuntime
            .FindOrInstallAsync(console.Say, workspace.Log("install"), cancellationToken).ConfigureAwait(false);

        await using var store = await options.OpenStoreAsync(workspace, console.Say, cancellationToken).ConfigureAwait(false);
        console.Chapter("The cluster: a service, two nodes and a spare");
        await using var cluster = await LocalCluster.StartAsync(workspace, store, TrainingJob.ActiveNodes + 1, time, cancellationToken).ConfigureAwait(false);
        console.Good($"service and {cluster.Nodes.Count} agents are up; PyTorch {python.TorchVersion}; checkpoints go to {store.Description}");
        console.Say(options.KeepFolder is null ? $"logs are in {workspace.Logs} until the end" : $"everything stays in {workspace.Root}");

        console.Chapter($"The job, uninterrupted: {options.Steps} steps");
        var baseline = await PlayRunAsync(
            Job(BaselineRun, python, source, workspace), cluster, workspace, withFailure: false, cancellationToken).ConfigureAwait(false);

        console.Chapter($"The same job, and {Victim(options.Kill)} is killed");
        var recovered = await PlayRunAsync(
            Job(RecoveredRun, python, source, workspace), cluster, workspace, withFailure: true, cancellationToken).ConfigureAwait(false);

        return await new DemoVerdict(options, store.Kind, cluster.Api)
            .ReachAsync(RecoveredRun, baseline.Result, recovered.Result, recovered.Strike!, cancellationToken).ConfigureAwait(false);
    }

    private static string Victim(KillTarget target) => target switch
    {
        KillTarget.Node => "a node",
        KillTarget.Rank => "a rank",
        KillTarget.Agent => "an agent",
        KillTarget.Service => "the service",
        _ => throw new InvalidOperationException($"No such target: {target}."),
    };

    private TrainingJob Job(string run, PythonRuntime python, SourceTree source, LocalWorkspace workspace) =>
        new(run, python, source, options, Ports.Free(1)[0], workspace.Output(run));

    private async Task<(TrainingResult Result, Strike? Strike)> PlayRunAsync(
        TrainingJob job, LocalCluster cluster, LocalWorkspace workspace, bool withFailure, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(RunDeadline);
        await using var rendezvous = Rendezvous.Start(job, workspace);
        await rendezvous.WaitAsync(time, deadline.Token).ConfigureAwait(false);
        var watcher = new RunWatcher(job.Run, options.Steps, cluster.Api, console);
        var launched = withFailure ? cluster.Nodes : [.. cluster.Nodes.Take(TrainingJob.ActiveNodes)];
        foreach (var node in launched.Take(TrainingJob.ActiveNodes))
        {
            job.LaunchOn(node);
        }

        Strike? strike = null;
        var failure = new Failure(options, cluster, time);
        var strikeAfter = failure.DrawStep();
        while (!HasEnded(launched))
        {
            await Task.Delay(LookEvery, time, deadline.Token).ConfigureAwait(false);
            await watcher.LookAsync(deadline.Token).ConfigureAwait(false);
            if (withFailure && options.Kill is KillTarget.Node && watcher.Step.Value > 0 && launched[^1].Launcher is null)
            {
                ParkSpare(job, launched[^1]);
            }

            if (withFailure && strike is null && watcher.Step >= strikeAfter)
            {
                await failure.DrawMomentAsync(deadline.Token).ConfigureAwait(false);
                strike = await StrikeAsync(job.Run, failure, cluster, deadline.Token).ConfigureAwait(false);
            }
        }

        await watcher.LookAsync(deadline.Token).ConfigureAwait(false);
        foreach (var node in cluster.Nodes)
        {
            await node.StopLauncherAsync().ConfigureAwait(false);
        }

        console.Good($"all {options.Steps} steps are done");
        if (withFailure && strike is null)
        {
            throw new CliException("The job ended before the failure struck; ask for more --steps.");
        }

        return (await TrainingResult.ReadAsync(job.Output, deadline.Token).ConfigureAwait(false), strike);
    }

    // Only when a node will be lost. If ranks restart while all nodes live, torchrun has three launchers for two places;
    // the one left over stays on its waiting list, and whoever is on that list makes it restart the others again and again.
    private void ParkSpare(TrainingJob job, LocalNode spare)
    {
        job.LaunchOn(spare);
        console.Say($"{spare.Name} waits as a spare");
    }

    private async Task<Strike> StrikeAsync(
        string run, Failure failure, LocalCluster cluster, CancellationToken cancellationToken)
    {
        var before = await cluster.Api.RunAsync(run, cancellationToken).ConfigureAwait(false)
            ?? throw new CliException("The service did not answer before the kill.");
        var at = time.GetUtcNow();
        var victim = await failure.StrikeAsync(console, cancellationToken).ConfigureAwait(false);
        if (options.Kill is KillTarget.Node or KillTarget.Rank)
        {
            console.Bad($"kill -9: {victim}");
        }

        return new Strike(victim, at, before.LedgerStep ?? default, before.Committed, before.GloballySealed, before.Protected);
    }

    // The job has ended when as many launchers as it needs have ended well: a killed node's has ended too, but not well.
    private static bool HasEnded(IReadOnlyList<LocalNode> launched)
    {
        var launchers = launched.Select(node => node.Launcher).OfType<ChildProcess>().ToList();
        var failed = launchers.FirstOrDefault(launcher => launcher.HasExited && launcher.ExitCode is not (0 or 137));
        if (failed is not null)
        {
            throw new CliException(string.Create(CultureInfo.InvariantCulture,
                $"{failed.Name} ended with status {failed.ExitCode} ({failed.LogFile}):\n{failed.Tail(30)}"));
        }

        return launchers.Count(launcher => launcher.HasExited && launcher.ExitCode == 0) >= TrainingJob.ActiveNodes;
    }
}

/// <summary>The kill, and what was recoverable when it struck.</summary>
internal sealed record Strike(
    string Victim, DateTimeOffset At, Step AtStep, CheckpointId? Committed, CheckpointId? GloballySealed, CheckpointId? Protected);
