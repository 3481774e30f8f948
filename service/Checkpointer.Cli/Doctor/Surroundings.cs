using System.Net.Sockets;
using System.Security.Cryptography;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Storage;

namespace Checkpointer.Cli.Doctor;

/// <summary>What the checks look at, and what several of them need. Safe for concurrent use.</summary>
internal sealed class Surroundings : IDisposable
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);
    private readonly Lazy<IObjectStore?> _store;
    private readonly Lazy<Task<(AgentStatus? Status, string? Problem)>> _agent;
    private readonly HttpClient _agentClient;

    public Surroundings(DoctorOptions options, TimeProvider time)
    {
        Options = options;
        Time = time;
        Service = new ServiceCalls(options.Service, AnswerTimeout);
        _store = new(OpenStore);
        _agentClient = new HttpClient(new SocketsHttpHandler { ConnectCallback = ConnectAsync, UseProxy = false })
        {
            BaseAddress = new Uri("http://agent/"),
            Timeout = AnswerTimeout,
        };
        _agent = new(AskAgentAsync);
    }

    public DoctorOptions Options { get; }

    public TimeProvider Time { get; }

    public ServiceCalls Service { get; }

    /// <summary>The store, with little patience; null if none is named. What cannot be opened is thrown, each time.</summary>
    public IObjectStore? Store => _store.Value;

    /// <summary>What the agent says of itself, or why there is none; asked once.</summary>
    public Task<(AgentStatus? Status, string? Problem)> Agent => _agent.Value;

    /// <summary>Randomness for names of probe objects.</summary>
    public static Random NewRandom() => new(RandomNumberGenerator.GetInt32(int.MaxValue));

    public void Dispose()
    {
        Service.Dispose();
        _agentClient.Dispose();
    }

    // What is away is to be told soon; a daemon has more patience.
    private IObjectStore? OpenStore() => Options.Store is not { } store ? null : ObjectStores.OpenResilient(
        store with { CreateFolder = false, Resilience = store.Resilience with { MaxAttempts = 2, CallTimeout = TimeSpan.FromSeconds(15) } },
        Time,
        NewRandom());

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Options.Socket), cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<(AgentStatus?, string?)> AskAgentAsync()
    {
        var (status, problem, _) = await HttpAnswers.GetAsync(
            _agentClient, "v1/agent", ContractsJsonContext.Default.AgentStatus, CancellationToken.None).ConfigureAwait(false);
        return (status, problem);
    }
}
