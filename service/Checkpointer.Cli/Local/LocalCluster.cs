using System.Net;

namespace Checkpointer.Cli.Local;

/// <summary>The service and some make-believe nodes, all on this machine, each part a process of its own.</summary>
internal sealed class LocalCluster : IAsyncDisposable
{
    private readonly LocalWorkspace _workspace;
    private readonly LocalStore _store;
    private readonly TimeProvider _time;
    private readonly Uri _address;
    private ChildProcess? _service;

    private LocalCluster(
        LocalWorkspace workspace, LocalStore store, int nodes, TimeProvider time, IPAddress address, Func<int, LocalPlace> placeOf)
    {
        (_workspace, _store) = (workspace, store);
        _time = time;
        var ports = Ports.Free(nodes + 1);
        _address = new UriBuilder(Uri.UriSchemeHttp, address.ToString(), ports[0]).Uri;
        Api = new ServiceApi(_address);
        Nodes = [.. ports.Skip(1).Select((port, i) => new LocalNode($"node-{i}", placeOf(i), port, workspace, store, _address))];
    }

    /// <summary>The nodes.</summary>
    public IReadOnlyList<LocalNode> Nodes { get; }

    /// <summary>Where the service is.</summary>
    public Uri Address => _address;

    /// <summary>The service's read API.</summary>
    public ServiceApi Api { get; }

    /// <summary>Starts the service and the agents, all on loopback.</summary>
    public static Task<LocalCluster> StartAsync(
        LocalWorkspace workspace, LocalStore store, int nodes, TimeProvider time, CancellationToken cancellationToken) =>
        StartAsync(workspace, store, nodes, time, IPAddress.Loopback, _ => LocalPlace.Loopback, cancellationToken);

    /// <summary>The same with the service at <paramref name="address"/> and each node's agent where <paramref name="placeOf"/> its number says.</summary>
    public static async Task<LocalCluster> StartAsync(
        LocalWorkspace workspace,
        LocalStore store,
        int nodes,
        TimeProvider time,
        IPAddress address,
        Func<int, LocalPlace> placeOf,
        CancellationToken cancellationToken)
    {
        var cluster = new LocalCluster(workspace, store, nodes, time, address, placeOf);
        try
        {
            await cluster.StartServiceAsync(cancellationToken).ConfigureAwait(false);
            foreach (var node in cluster.Nodes)
            {
                await node.StartAgentAsync(time, cancellationToken).ConfigureAwait(false);
            }

            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Starts the service (again) and waits until it is ready.</summary>
    public async Task StartServiceAsync(CancellationToken cancellationToken)
    {
        string[] arguments =
        [
            "service", "--data", _workspace.ServiceData, "--store", _store.Url,
            "--listen", _address.ToString().TrimEnd('/'),
        ];
        var service = ChildProcess.Start("service", _workspace.Checkpointer, arguments, _workspace.Log("service"), _store.Environment);
        _service = service;
        await Waiting.UntilAsync(
            $"the service is ready ({service.LogFile})",
            token => service.HasExited
                ? throw new CliException($"The service ended at once:\n{service.Tail()}")
                : Api.IsReadyAsync(token),
            TimeSpan.FromSeconds(60), _time, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The service's process id, while it runs.</summary>
    public int? ServicePid => _service is { HasExited: false } service ? service.Pid : null;

    /// <summary>The service dies with SIGKILL.</summary>
    public Task KillServiceAsync() => _service?.KillTreeAsync() ?? Task.CompletedTask;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes)
        {
            await node.DisposeAsync().ConfigureAwait(false);
        }

        if (_service is { } service)
        {
            await service.DisposeAsync().ConfigureAwait(false);
        }

        Api.Dispose();
    }
}
