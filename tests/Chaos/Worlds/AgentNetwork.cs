using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Checkpointer.Cli;
using Checkpointer.Cli.Local;

namespace Checkpointer.Chaos.Worlds;

/// <summary>
/// A network namespace for each agent, all on one bridge whose address is the service's. Isolated ports of a bridge reach
/// the bridge but not each other: so agents can be cut off from each other, silently, and from nobody else.
/// </summary>
internal sealed class AgentNetwork : IAsyncDisposable
{
    private readonly string _name = "ckpt" + RandomNumberGenerator.GetHexString(4, lowercase: true);
    private readonly byte _subnet = (byte)RandomNumberGenerator.GetInt32(1, 255);
    private readonly int _nodes;

    private AgentNetwork(int nodes) => _nodes = nodes;

    /// <summary>Where the service listens.</summary>
    public IPAddress ServiceAddress => Address(1);

    /// <summary>Where the agent of each node lives.</summary>
    public LocalPlace PlaceOf(int node) => new(Address(node + 2), ["ip", "netns", "exec", Namespace(node)]);

    /// <summary>Makes it; null with the reason if this machine cannot.</summary>
    public static async Task<(AgentNetwork? Network, string? WhyNot)> TryCreateAsync(int nodes, CancellationToken cancellationToken)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return (null, "network namespaces need root");
        }

        var network = new AgentNetwork(nodes);
        try
        {
            await network.CreateAsync(cancellationToken);
            return (network, null);
        }
        catch (Exception e) when (e is CliException or System.ComponentModel.Win32Exception)
        {
            await network.DisposeAsync();
            return (null, e.Message);
        }
    }

    /// <summary>Cuts all agents off from each other, or ends that.</summary>
    public async Task CutAsync(bool cut, CancellationToken cancellationToken)
    {
        for (var node = 0; node < _nodes; node++)
        {
            await RunAsync($"bridge link set dev {Port(node)} isolated {(cut ? "on" : "off")}", cancellationToken);
        }
    }

    /// <summary>Whether the first agent's namespace reaches the second's: whether a packet gets there and back.</summary>
    public async Task<bool> IsConnectedAsync(CancellationToken cancellationToken)
    {
        var probe = $"exec 3<>/dev/tcp/{Address(3)}/9";
        using var process = Start(["ip", "netns", "exec", Namespace(0), "timeout", "0.5", "bash", "-c", probe]);
        await process.WaitForExitAsync(cancellationToken);

        // Nobody listens at that port: who is reached refuses at once (1), a dropped packet lets the time run out (124).
        return process.ExitCode != 124;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        for (var node = 0; node < _nodes; node++)
        {
            using var removal = Start(["ip", "netns", "del", Namespace(node)]);
            await removal.WaitForExitAsync();
        }

        using var last = Start(["ip", "link", "del", _name]);
        await last.WaitForExitAsync();
    }

    private async Task CreateAsync(CancellationToken cancellationToken)
    {
        await RunAsync($"ip link add {_name} type bridge", cancellationToken);
        await RunAsync($"ip addr add {ServiceAddress}/24 dev {_name}", cancellationToken);
        await RunAsync($"ip link set {_name} up", cancellationToken);
        for (var node = 0; node < _nodes; node++)
        {
            var inside = $"ip netns exec {Namespace(node)}";
            await RunAsync($"ip netns add {Namespace(node)}", cancellationToken);
            await RunAsync($"ip link add {Port(node)} type veth peer name eth0 netns {Namespace(node)}", cancellationToken);
            await RunAsync($"ip link set {Port(node)} master {_name} up", cancellationToken);
            await RunAsync($"{inside} ip addr add {Address(node + 2)}/24 dev eth0", cancellationToken);
            await RunAsync($"{inside} ip link set eth0 up", cancellationToken);
            await RunAsync($"{inside} ip link set lo up", cancellationToken);
        }
    }

    private IPAddress Address(int host) => new([10, 213, _subnet, (byte)host]);

    private string Namespace(int node) => string.Create(CultureInfo.InvariantCulture, $"{_name}-{node}");

    private string Port(int node) => string.Create(CultureInfo.InvariantCulture, $"{_name}p{node}");

    private static async Task RunAsync(string command, CancellationToken cancellationToken)
    {
        using var process = Start(command.Split(' '));
        var trouble = await process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode != 0)
        {
            throw new CliException($"'{command}': {trouble.Trim()}", ExitCode.Environment);
        }
    }

    private static Process Start(string[] command) =>
        Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
}
