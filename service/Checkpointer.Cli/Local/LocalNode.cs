using System.Globalization;

namespace Checkpointer.Cli.Local;

/// <summary>One make-believe node: an agent with arenas of its own and, while a job runs, a launcher (torchrun) with its ranks.</summary>
internal sealed class LocalNode(
    string name, LocalPlace place, int agentPort, LocalWorkspace workspace, LocalStore store, Uri service) : IAsyncDisposable
{
    private ChildProcess? _agent;
    private ChildProcess? _launcher;

    /// <summary>The node's name.</summary>
    public string Name => name;

    /// <summary>The agent's socket. In the arena folder because a socket path may have only 107 characters.</summary>
    public string AgentSocket => Path.Combine(workspace.Arenas, name + ".sock");

    /// <summary>Where the agent answers probes and scrapers.</summary>
    public Uri AgentAddress { get; } = new UriBuilder(Uri.UriSchemeHttp, place.Address.ToString(), agentPort).Uri;

    /// <summary>The node's launcher, once a job was launched.</summary>
    public ChildProcess? Launcher => _launcher;

    /// <summary>Where its arenas lie.</summary>
    public string ArenaFolder => Path.Combine(workspace.Arenas, name);

    /// <summary>Starts the agent and waits until it answers.</summary>
    public async Task StartAgentAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        string[] command =
        [
            .. place.Enter, workspace.Checkpointer, "agent", "--node", name, "--service", service.ToString(), "--store", store.Url,
            "--socket", AgentSocket, "--arena", ArenaFolder,
            "--listen", AgentAddress.GetLeftPart(UriPartial.Authority),
        ];
        var agent = ChildProcess.Start($"agent {name}", command[0], command[1..], workspace.Log($"agent-{name}"), store.Environment);
        _agent = agent;
        await Waiting.UntilAsync(
            $"the agent of {name} listens ({agent.LogFile})",
            _ => agent.HasExited
                ? throw new CliException($"The agent of {name} ended at once:\n{agent.Tail()}")
                : Task.FromResult(File.Exists(AgentSocket)),
            TimeSpan.FromSeconds(60), time, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Starts this node's launcher; its output goes to <c>{logName}-{node}.log</c>.</summary>
    public void Launch(
        string logName, string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment) =>
        _launcher = ChildProcess.Start($"{logName} on {name}", program, arguments, workspace.Log($"{logName}-{name}"), environment);

    /// <summary>Process ids of the ranks that run on this node, by rank.</summary>
    public IReadOnlyDictionary<int, int> RankPids()
    {
        var result = new SortedDictionary<int, int>();
        if (_launcher is null || _launcher.HasExited)
        {
            return result;
        }

        foreach (var pid in ProcessTree.DescendantsOf(_launcher.Pid))
        {
            if (int.TryParse(ProcessTree.EnvironmentOf(pid, "RANK"), CultureInfo.InvariantCulture, out var rank))
            {
                result.TryAdd(rank, pid);
            }
        }

        return result;
    }

    /// <summary>The node's power fails: every process dies with SIGKILL, its memory is gone.</summary>
    public async Task<int> KillAsync()
    {
        // All first, then wait for their ends.
        var kills = new[] { _launcher, _agent }.OfType<ChildProcess>().Select(process => process.KillTreeAsync()).ToList();
        var killed = (await Task.WhenAll(kills).ConfigureAwait(false)).Sum();

        Directory.Delete(ArenaFolder, recursive: true);
        File.Delete(AgentSocket);
        return killed;
    }

    /// <summary>The agent's process id, while it runs.</summary>
    public int? AgentPid => _agent is { HasExited: false } agent ? agent.Pid : null;

    /// <summary>The agent dies with SIGKILL; the arenas stay.</summary>
    public async Task KillAgentAsync()
    {
        await (_agent?.KillTreeAsync() ?? Task.FromResult(0)).ConfigureAwait(false);
        File.Delete(AgentSocket);
    }

    /// <summary>Ends this node's launcher, if it still runs (a spare that was never needed).</summary>
    public async Task StopLauncherAsync()
    {
        if (_launcher is { } launcher)
        {
            await launcher.DisposeAsync().ConfigureAwait(false);
            _launcher = null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopLauncherAsync().ConfigureAwait(false);
        if (_agent is { } agent)
        {
            await agent.DisposeAsync().ConfigureAwait(false);
        }
    }
}
