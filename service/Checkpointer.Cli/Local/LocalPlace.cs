using System.Net;

namespace Checkpointer.Cli.Local;

/// <summary>Where a process of a local cluster is on the network.</summary>
/// <param name="Address">The address that it listens on.</param>
/// <param name="Enter">A command in front of the process's own that brings it there; empty if it is there anyway.</param>
internal sealed record LocalPlace(IPAddress Address, IReadOnlyList<string> Enter)
{
    /// <summary>This machine, with everything else.</summary>
    public static LocalPlace Loopback { get; } = new(IPAddress.Loopback, []);
}
