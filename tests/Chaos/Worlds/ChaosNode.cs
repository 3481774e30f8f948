using Checkpointer.Cli.Local;

namespace Checkpointer.Chaos.Worlds;

/// <summary>A node with its agent and a launcher that is ready to start ranks; replaced by a new one of its name when it is dead.</summary>
internal sealed class ChaosNode(LocalNode local, LocalWorkspace workspace, PythonRuntime python, SourceTree source) : IAsyncDisposable
{
    // Long enough that a job first goes on without it.
    private static readonly TimeSpan ReplacedAfter = TimeSpan.FromSeconds(2);

    private ChildProcess? _forkServer;
    private long _downSince;

    /// <summary>Its agent, arenas, and torchrun where there is one.</summary>
    public LocalNode Local => local;

    /// <summary>Its name.</summary>
    public string Name => local.Name;

    /// <summary>Where its launcher takes orders.</summary>
    public string ForkSocket => Path.Combine(workspace.Arenas, Name + ".fork");

    /// <summary>Whether it is dead and not replaced yet.</summary>
    public bool IsDown { get; private set; }

    /// <summary>Whether all of it is stopped.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>Whether ranks can be started on it.</summary>
    public bool IsUp => !IsDown && !IsStopped && local.AgentPid is not null
        && _forkServer is { HasExited: false } && File.Exists(ForkSocket);

    /// <summary>Starts its launcher, and its agent unless that runs.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        File.Delete(ForkSocket);
        _forkServer = ChildProcess.Start(
            $"launcher of {Name}",
            python.Executable,
            [Path.Combine(source.Root, "tests", "Chaos", "launcher", "fork_server.py"), ForkSocket],
            workspace.Log($"launcher-{Name}"),
            new Dictionary<string, string>
            {
                ["PYTHONPATH"] = source.HooksFolder + ":" + Path.GetDirectoryName(source.TrainerScript),
                ["PYTHONUNBUFFERED"] = "1",
                ["OMP_NUM_THREADS"] = "1",
                ["GLOO_SOCKET_IFNAME"] = "lo",
            });
        if (local.AgentPid is null)
        {
            await local.StartAgentAsync(TimeProvider.System, cancellationToken);
        }

        IsDown = false;
    }

    /// <summary>What a supervisor does: starts again what has ended, and replaces a dead node.</summary>
    public async Task TickAsync(CancellationToken cancellationToken)
    {
        if (IsDown)
        {
            if (TimeProvider.System.GetElapsedTime(_downSince) > ReplacedAfter)
            {
                await StartAsync(cancellationToken);
            }
        }
        else if (_forkServer is { HasExited: true })
        {
            await StartAsync(cancellationToken);
        }
        else if (local.AgentPid is null)
        {
            await local.KillAgentAsync(); // its socket is left
            await local.StartAgentAsync(TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>Its power fails; returns how many processes died.</summary>
    public async Task<int> KillAsync()
    {
        (IsDown, IsStopped) = (true, false);
        _downSince = TimeProvider.System.GetTimestamp();
        var killed = await Task.WhenAll(_forkServer?.KillTreeAsync() ?? Task.FromResult(0), local.KillAsync());
        return killed.Sum();
    }

    /// <summary>Stops every process of it; whether all stand.</summary>
    public async Task<bool> StopAsync()
    {
        IsStopped = true;
        var stopped = await Task.WhenAll(Pids().Select(Signals.StopAsync));
        return stopped.Length > 0 && stopped.All(did => did);
    }

    /// <summary>Lets every process of it go on.</summary>
    public void Continue()
    {
        foreach (var pid in Pids())
        {
            Signals.Continue(pid);
        }

        IsStopped = false;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_forkServer is { } forkServer)
        {
            await forkServer.DisposeAsync();
        }
    }

    private List<int> Pids()
    {
        var roots = new[] { local.AgentPid, _forkServer is { HasExited: false } fork ? fork.Pid : null }.OfType<int>().ToList();
        return [.. roots, .. roots.SelectMany(ProcessTree.DescendantsOf)];
    }
}
