using System.Globalization;
using System.Net.Sockets;
using Checkpointer.Cli.Local;

namespace Checkpointer.Cli.Demo;

/// <summary>
/// The key-value store at which the launchers meet. In a cluster it runs on the master or in etcd; here it is a process
/// of its own, so that any node may die.
/// </summary>
internal sealed class Rendezvous : IAsyncDisposable
{
    private const string Script =
        "import signal, sys; from torch.distributed import TCPStore; "
        + "store = TCPStore('127.0.0.1', int(sys.argv[1]), is_master=True, wait_for_workers=False); signal.pause()";

    private readonly ChildProcess _process;
    private readonly int _port;

    private Rendezvous(ChildProcess process, int port)
    {
        _process = process;
        _port = port;
    }

    /// <summary>Starts it at the job's port.</summary>
    public static Rendezvous Start(TrainingJob job, LocalWorkspace workspace) => new(
        ChildProcess.Start(
            "rendezvous",
            job.Python.Executable,
            ["-c", Script, job.RendezvousPort.ToString(CultureInfo.InvariantCulture)],
            workspace.Log($"rendezvous-{job.Run}")),
        job.RendezvousPort);

    /// <summary>Waits until it listens.</summary>
    public Task WaitAsync(TimeProvider time, CancellationToken cancellationToken) => Waiting.UntilAsync(
        $"the rendezvous store listens ({_process.LogFile})", ListensAsync, TimeSpan.FromSeconds(60), time, cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private async Task<bool> ListensAsync(CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync("127.0.0.1", _port, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (SocketException)
        {
            return _process.HasExited
                ? throw new CliException($"The rendezvous store ended at once:\n{_process.Tail()}")
                : false;
        }
    }
}
