using System.Net.Sockets;
using Checkpointer.Agent.Hosting;
using Checkpointer.Simulation.Scheduling;

namespace Checkpointer.Simulation.Network;

/// <summary>Carries requests and answers between simulated processes, each message an event.</summary>
internal sealed class SimulatedNetwork(Scheduler scheduler, Links links)
{
    // What connecting takes at most before it is given up, as the real clients have it.
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan Prompt = TimeSpan.FromMicroseconds(200);

    private readonly Dictionary<string, Port> _ports = [];

    /// <summary>Sees each answer of a server before it is sent.</summary>
    public Action<Exchange, SimulatedProcess, Answer>? Answered { get; set; }

    public Links Links => links;

    /// <summary>Requests at <paramref name="authority"/> go to <paramref name="server"/> from now on.</summary>
    public void Listen(string authority, SimulatedProcess process, SimulatedServer server, Audience? audience = null)
    {
        var port = new Port(process, server, audience);
        _ports[authority] = port;
        process.Died += port.Reset;
    }

    /// <summary>A client of one process.</summary>
    public HttpClient ClientOf(SimulatedProcess process, Uri? baseAddress = null) =>
        new(new SimulatedHandler(this, process)) { BaseAddress = baseAddress, Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Sends a request and gives the answer, if one ever comes.</summary>
    public async Task<Answer> SendAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource<Answer>(TaskCreationOptions.RunContinuationsAsynchronously);
        var from = exchange.From;
        from.Died += Abort;
        try
        {
            using var registration = cancellationToken.UnsafeRegister(
                (_, token) =>
                {
                    _ = done.TrySetCanceled(token);
                    Abort();
                },
                null);
            Carry(exchange, done);
            return await done.Task.ConfigureAwait(false);
        }
        finally
        {
            from.Died -= Abort;
        }

        void Abort() => _ = scheduler.Schedule(
            TimeSpan.FromMicroseconds(100), $"abort {exchange.What}", () => exchange.Aborted.Cancel());
    }

    private void Carry(Exchange exchange, TaskCompletionSource<Answer> done)
    {
        var from = exchange.From;
        var to = _ports.GetValueOrDefault(exchange.Address.Authority);
        var node = to?.Process.Node ?? "nowhere";
        if (links.Travel(from.Node, node) is not { } there)
        {
            if (links.IsCut(from.Node, node))
            {
                Fail(exchange, done, ConnectTimeout, SocketError.TimedOut);
            }

            return;
        }

        _ = scheduler.Schedule(there, $"{from.Name} -> {exchange.What}", () => Arrive(exchange, done));
        // Within a node nothing is sent twice, and a stream has one reader.
        if (exchange.Method != "GET" && from.Node != node && exchange.BodyBytes is not null && links.Repeated())
        {
            _ = scheduler.Schedule(there * 3, $"{from.Name} => {exchange.What}", () => Arrive(exchange, new TaskCompletionSource<Answer>()));
        }
    }

    private void Arrive(Exchange exchange, TaskCompletionSource<Answer> done)
    {
        // Looked up anew: what listens there now gets what was sent to its predecessor.
        var port = _ports.GetValueOrDefault(exchange.Address.Authority);
        if (port is { Process.Alive: true, Server.IsListening: true })
        {
            _ = ServeAsync(port, exchange, done);
        }
        else
        {
            var silent = port is { Process.Silent: true };
            Fail(exchange, done, silent ? ConnectTimeout : Prompt, silent ? SocketError.TimedOut : SocketError.ConnectionRefused);
        }
    }

    private async Task ServeAsync(Port port, Exchange exchange, TaskCompletionSource<Answer> done)
    {
        var reset = port.Connect(() => Fail(exchange, done, Prompt, SocketError.ConnectionReset));
        var answer = await port.Server.ServeAsync(exchange, port.Audience).ConfigureAwait(false);
        port.Disconnect(reset);
        Answered?.Invoke(exchange, port.Process, answer);
        if (links.Travel(port.Process.Node, exchange.From.Node) is { } back)
        {
            _ = scheduler.Schedule(back, $"{exchange.From.Name} <- {answer.Status} {exchange.What}", () => done.TrySetResult(answer), exchange.From);
        }
    }

    private void Fail(Exchange exchange, TaskCompletionSource<Answer> done, TimeSpan after, SocketError error) => _ = scheduler.Schedule(
        after,
        $"{exchange.From.Name} <- {error} {exchange.What}",
        () => done.TrySetException(new HttpRequestException(
            error == SocketError.ConnectionReset ? HttpRequestError.ResponseEnded : HttpRequestError.ConnectionError,
            $"{error} ({exchange.Address.Authority})",
            new SocketException((int)error))),
        exchange.From);

    private sealed class Port(SimulatedProcess process, SimulatedServer server, Audience? audience)
    {
        // In the order in which they came, so that the course does not depend on hash codes.
        private readonly LinkedList<Action> _connections = new();

        public SimulatedProcess Process => process;

        public SimulatedServer Server => server;

        public Audience? Audience => audience;

        public LinkedListNode<Action> Connect(Action reset) => _connections.AddLast(reset);

        public void Disconnect(LinkedListNode<Action> connection)
        {
            if (connection.List is not null)
            {
                _connections.Remove(connection);
            }
        }

        /// <summary>The kernel closes what the process had open; a node that is gone closes nothing.</summary>
        public void Reset()
        {
            if (!process.Silent)
            {
                _connections.ToList().ForEach(reset => reset());
            }

            _connections.Clear();
        }
    }
}
