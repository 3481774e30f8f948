using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Checkpointer.Agent.Hosting;

/// <summary>Who this agent is: its node, this start of it, and where other agents reach it.</summary>
internal sealed class AgentIdentity(AgentOptions options, Random random, IServer server)
{
    private const int InstanceBytes = 8;

    /// <summary>The node's name.</summary>
    public string Node => options.Node;

    /// <summary>What fails together with the node; null: it alone.</summary>
    public string? Domain => options.Domain;

    /// <summary>Differs each time the agent starts: 16 hex digits.</summary>
    public string Instance { get; } = MakeInstance(random);

    /// <summary>The base address that other agents are told, without a slash at its end.</summary>
    public string Address => (options.Advertise ?? Bound() ?? options.Listen).GetLeftPart(UriPartial.Authority);

    /// <summary>What the listener was bound to, which matters if it was told to pick a port.</summary>
    private Uri? Bound() => server.Features.Get<IServerAddressesFeature>()?.Addresses
        .Select(address => Uri.TryCreate(address, UriKind.Absolute, out var uri) ? uri : null)
        .FirstOrDefault(uri => uri is { Scheme: "http", Port: > 0 } && !uri.Host.StartsWith("unix", StringComparison.Ordinal));

    private static string MakeInstance(Random random)
    {
        Span<byte> bytes = stackalloc byte[InstanceBytes];
        random.NextBytes(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}
