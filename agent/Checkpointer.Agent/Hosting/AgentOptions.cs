using System.Net;
using System.Text.RegularExpressions;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage;

namespace Checkpointer.Agent.Hosting;

/// <summary>Everything that an agent is told when it starts.</summary>
public sealed partial record AgentOptions
{
    /// <summary>Longest path of a Unix socket that the kernel takes, in bytes (108 with its terminator).</summary>
    public const int MaxSocketPathBytes = 107;

    /// <summary>The node's name: 1 to 253 of letters, digits, '.', '_' and '-'. Unique among live agents.</summary>
    public required string Node { get; init; }

    /// <summary>Base address of the service.</summary>
    public Uri Service { get; init; } = new("http://127.0.0.1:7070");

    /// <summary>The object store.</summary>
    public required StoreOptions Store { get; init; }

    /// <summary>The Unix socket for the node's trainers.</summary>
    public required string Socket { get; init; }

    /// <summary>Where other agents, probes and metrics scrapers reach this one. Loopback unless told otherwise; port 0 picks one.</summary>
    public Uri Listen { get; init; } = new("http://127.0.0.1:7071");

    /// <summary>The address that other agents are told, if it differs from <see cref="Listen"/> (a wildcard, a port map).</summary>
    public Uri? Advertise { get; init; }

    /// <summary>The folder of shared memory under which the arenas lie.</summary>
    public string ArenaRoot { get; init; } = "/dev/shm/checkpointer";

    /// <summary>Memory that arenas may take, in bytes.</summary>
    public required long MemoryBudgetBytes { get; init; }

    /// <summary>
    /// Slots of each rank, 2 to 8: one for the newest step that all ranks hold, one for the newest that also lies on a peer,
    /// one to fill. Where memory has no room for that many, 2 will do: saves then wait for peers' copies now and then.
    /// </summary>
    public int SlotsPerRank { get; init; } = 3;

    /// <summary>Length of a chunk in bytes; the same on all nodes of a run.</summary>
    public int ChunkBytes { get; init; } = ChunkGeometry.DefaultChunkBytes;

    /// <summary>How often the agent tells the service what it holds.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Reads of one restore that run at the same time, 1 to 64.</summary>
    public int RestoreParallelism { get; init; } = 8;

    /// <summary>Source chunks that one resharding restore keeps in memory, in bytes.</summary>
    public long RestoreBufferBytes { get; init; } = 256L * 1024 * 1024;

    /// <summary>Reads of images by other agents that run at the same time; more wait, 1 to 1,024.</summary>
    public int MaxPeerReads { get; init; } = 16;

    /// <summary>Bytes a second that this agent copies from others as their peer, all copies together; 0: no limit.</summary>
    public long ReplicaBytesPerSecond { get; init; }

    /// <summary>Images of others that are copied here at the same time; more wait, 1 to 64.</summary>
    public int MaxReplicaPulls { get; init; } = 2;

    /// <summary>
    /// What fails together with this node (a rack, a power feed), 1 to 128 characters: copies go to another one where there
    /// is one. Null: the node alone.
    /// </summary>
    public string? Domain { get; init; }

    /// <summary>Throws <c>configuration_invalid</c>, naming the setting, if a value makes no sense.</summary>
    public void Validate()
    {
        Require(NodeName().IsMatch(Node ?? ""), nameof(Node), "must be 1 to 253 of letters, digits, '.', '_' and '-', not starting with '.'");
        RequireAddress(Service, nameof(Service));
        RequireAddress(Listen, nameof(Listen));
        Require(TryParseHost(Listen, out var ip), nameof(Listen), "must name an IP address (or localhost)");
        Require(
            Advertise is not null || !(ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any)),
            nameof(Advertise),
            "must be given when Listen is a wildcard: other agents have to be told an address that leads here");
        if (Advertise is not null)
        {
            RequireAddress(Advertise, nameof(Advertise));
        }

        Require(!string.IsNullOrWhiteSpace(Store?.Url), nameof(Store), "must name an object store");
        Store!.Resilience.Validate();
        Require(
            Path.IsPathFullyQualified(Socket ?? "") && System.Text.Encoding.UTF8.GetByteCount(Socket!) <= MaxSocketPathBytes,
            nameof(Socket),
            $"must be a full path of at most {MaxSocketPathBytes} bytes");
        Require(Path.IsPathFullyQualified(ArenaRoot ?? ""), nameof(ArenaRoot), "must be a full path");
        Require(MemoryBudgetBytes > 0, nameof(MemoryBudgetBytes), "must be positive");
        Require(SlotsPerRank is >= 2 and <= 8, nameof(SlotsPerRank), "must be 2 to 8");
        Require(
            ChunkBytes is >= 1 and <= ChunkGeometry.MaxChunkBytes,
            nameof(ChunkBytes),
            $"must be 1 to {ChunkGeometry.MaxChunkBytes}");
        Require(
            HeartbeatInterval >= TimeSpan.FromMilliseconds(20) && HeartbeatInterval <= TimeSpan.FromMinutes(1),
            nameof(HeartbeatInterval),
            "must be 20 ms to 1 minute");
        Require(RestoreParallelism is >= 1 and <= 64, nameof(RestoreParallelism), "must be 1 to 64");
        Require(
            RestoreBufferBytes >= 2L * ChunkBytes && RestoreBufferBytes <= 64L << 30,
            nameof(RestoreBufferBytes),
            "must have room for two chunks and be at most 64 GiB");
        Require(MaxPeerReads is >= 1 and <= 1024, nameof(MaxPeerReads), "must be 1 to 1,024");
        Require(ReplicaBytesPerSecond >= 0, nameof(ReplicaBytesPerSecond), "must not be negative (0: no limit)");
        Require(MaxReplicaPulls is >= 1 and <= 64, nameof(MaxReplicaPulls), "must be 1 to 64");
        Require(
            Domain is null || (Domain.Length is >= 1 and <= 128 && !Domain.Any(char.IsControl)),
            nameof(Domain),
            "must be 1 to 128 characters");
    }

    /// <summary><see cref="Listen"/> as a socket address.</summary>
    internal IPEndPoint ListenEndPoint => TryParseHost(Listen, out var address)
        ? new IPEndPoint(address, Listen.Port)
        : throw new InvariantViolationException("The options were not validated.");

    private static bool TryParseHost(Uri address, out IPAddress ip)
    {
        if (address.Host == "localhost")
        {
            ip = IPAddress.Loopback;
            return true;
        }

        return IPAddress.TryParse(address.Host.Trim('[', ']'), out ip!);
    }

    private static void RequireAddress(Uri? address, string name) => Require(
        address is { IsAbsoluteUri: true } && address.Scheme == Uri.UriSchemeHttp
            && address is { AbsolutePath: "/", Query: "", Fragment: "", UserInfo: "" },
        name,
        $"must be an address such as http://127.0.0.1:{(name == nameof(Service) ? 7070 : 7071)}");

    private static void Require(bool holds, string name, string rule)
    {
        if (!holds)
        {
            throw new CheckpointerException(ErrorCode.ConfigurationInvalid, $"The agent's {name} {rule}.");
        }
    }

    [GeneratedRegex(@"\A[A-Za-z0-9_-][A-Za-z0-9._-]{0,252}\z")]
    private static partial Regex NodeName();
}
