using System.Globalization;
using Checkpointer.Cli.Local;

namespace Checkpointer.Cli.Tests;

/// <summary><c>checkpointer service</c> on a free port. Disposing kills it with SIGKILL.</summary>
internal sealed class RunningService : IAsyncDisposable
{
    private readonly ChildProcess _process;

    private RunningService(ChildProcess process, Uri address)
    {
        _process = process;
        Address = address;
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>Its process id.</summary>
    public int Pid => _process.Pid;

    /// <summary>Starts it, at a free port unless told where, and waits until it is ready.</summary>
    public static async Task<RunningService> StartAsync(string data, string store, string logFile, Uri? address = null)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        address ??= new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Ports.Free(1)[0]}/"));
        var process = ChildProcess.Start(
            "service",
            CheckpointerProgram.Path,
            ["service", "--data", data, "--store", store, "--listen", address.ToString().TrimEnd('/')],
            logFile);
        using var api = new ServiceApi(address);
        await Waiting.UntilAsync(
            "the service is ready",
            token => process.HasExited ? throw new InvalidOperationException(process.Tail()) : api.IsReadyAsync(token),
            TimeSpan.FromSeconds(60), TimeProvider.System, cancellationToken);
        return new RunningService(process, address);
    }

    /// <summary>Waits until it ends by itself; returns its exit status.</summary>
    public Task<int> WaitAsync(CancellationToken cancellationToken) => _process.WaitAsync(cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
