using System.Globalization;
using Checkpointer.Cli.Demo.Processes;

namespace Checkpointer.Cli.Demo;

/// <summary>The service and three nodes, two of which a job needs and one of which waits as a spare.</summary>
internal sealed class DemoCluster : IAsyncDisposable
{
    /// <summary>Nodes that the job needs; one more is the spare.</summary>
    public const int ActiveNodes = 2;

    private readonly DemoWorkspace _workspace;
    private readonly TimeProvider _time;
    private readonly Uri _address;
    private ChildProcess? _service;

    private DemoCluster(DemoWorkspace workspace, TimeProvider time)
    {
        _workspace = workspace;
        _time = time;
        var ports = Ports.Free(ActiveNodes + 2);
        _address = Loopback(ports[0]);
        Api = new ServiceApi(_address);
        Nodes = [.. ports.Skip(1).Select((port, i) => new DemoNode($"node-{i}", port, workspace, _address))];
    }

    /// <summary>All nodes; the last is the spare.</summary>
    public IReadOnlyList<DemoNode> Nodes { get; }

    /// <summary>The service's read API.</summary>
    public ServiceApi Api { get; }

    /// <summary>Starts the service and the agents.</summary>
    public static async Task<DemoCluster> StartAsync(
        DemoWorkspace workspace, TimeProvider time, CancellationToken cancellationToken)
    {
        var cluster = new DemoCluster(workspace, time);
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
            "service", "--data", _workspace.ServiceData, "--store", _workspace.Store,
            "--listen", _address.ToString().TrimEnd('/'),
        ];
        var service = ChildProcess.Start("service", Environment.ProcessPath!, arguments, _workspace.Log("service"));
        _service = service;
        await Waiting.UntilAsync(
            $"the service is ready ({service.LogFile})",
            token => service.HasExited
                ? throw new DemoException($"The service ended at once:\n{service.Tail()}")
                : Api.IsReadyAsync(token),
            TimeSpan.FromSeconds(60), _time, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The service dies with SIGKILL.</summary>
    public void KillService() => _service?.KillTree();

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

    private static Uri Loopback(int port) => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/"));
}
