using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Checkpointer.TestKit.Ceph;

namespace Checkpointer.S3.Tests.Campaign;

/// <summary>Another gateway process of the same cluster, at an address of its own, to be killed and started again.</summary>
internal sealed class SpareGateway(CephGateway gateway) : IDisposable
{
    private readonly int _port = FreePort();
    private Process? _process;

    public Uri Endpoint => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{_port}"));

    /// <summary>Starts it and waits until it answers.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        string[] command =
        [
            "setpriv", "--pdeathsig", "KILL", "radosgw", "-c", Path.Combine(gateway.Folder, "ceph.conf"), "-f",
            "-n", "client.rgw", "--admin-socket=", "--pid-file=", "--log-file=/dev/null",
            string.Create(CultureInfo.InvariantCulture, $"--rgw-frontends=beast endpoint=127.0.0.1:{_port}"),
        ];
        _process = Process.Start(new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        using var client = new HttpClient();
        var begun = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                using var answer = await client.GetAsync(Endpoint, cancellationToken);
                return;
            }
            catch (HttpRequestException) when (Stopwatch.GetElapsedTime(begun) < TimeSpan.FromSeconds(60) && !_process.HasExited)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
            }
        }
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync(CancellationToken cancellationToken)
    {
        _process!.Kill();
        await _process.WaitForExitAsync(cancellationToken);
        _process.Dispose();
        _process = null;
    }

    public void Dispose()
    {
        _process?.Kill();
        _process?.Dispose();
    }

    private static int FreePort()
    {
        using var probe = new Socket(SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }
}
