using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Checkpointer.FaultProxy.Faults;
using Checkpointer.FaultProxy.Relaying;
using Checkpointer.FaultProxy.Wire;

namespace Checkpointer.FaultProxy;

/// <summary>
/// A proxy in front of an HTTP/1.1 server that passes everything on unchanged, except where its plan has a fault for a
/// request. It works on raw connections, so that it can do what no honest HTTP server can be made to do. Each
/// connection of a client has one to the server.
/// </summary>
public sealed class FaultProxyServer : IAsyncDisposable
{
    /// <summary>Where the proxy itself is spoken to, if it has control (see <see cref="Control"/>).</summary>
    public const string ControlPath = "/-/faults";

    private readonly FaultProxyOptions _options;
    private readonly Socket _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Task, bool> _serving = new();
    private readonly Task _accepting;
    private volatile FaultPlan _plan;

    private FaultProxyServer(FaultProxyOptions options, FaultPlan plan)
    {
        _options = options;
        _plan = plan;
        _listener = new Socket(options.Listen.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(options.Listen);
        _listener.Listen(512);
        Address = (IPEndPoint)_listener.LocalEndPoint!;
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address { get; }

    /// <summary>The URL to give to clients in the server's place.</summary>
    public Uri Endpoint => new($"http://{Address}");

    /// <summary>What is injected; may be changed at any time, and holds for the requests that come then.</summary>
    public FaultPlan Plan
    {
        get => _plan;
        set => _plan = value;
    }

    /// <summary>What was injected so far.</summary>
    public FaultCounts Counts { get; } = new();

    /// <summary>Starts one.</summary>
    public static FaultProxyServer Start(FaultProxyOptions options, FaultPlan plan)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(plan);
        return IPAddress.IsLoopback(options.Listen.Address)
            ? new FaultProxyServer(options, plan)
            : throw new ArgumentException($"It listens on loopback only, not on {options.Listen}.", nameof(options));
    }

    /// <summary>Ends every connection and stops listening.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_serving.Keys);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptAsync(_stop.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            var serving = ServeAsync(socket);
            _serving[serving] = true;
            _ = serving.ContinueWith(done => _serving.TryRemove(done, out _), TaskScheduler.Default);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using var client = new Connection(socket);
        Connection? server = null;
        try
        {
            while (await client.Reader.ReadHeadAsync(_stop.Token) is { } bytes)
            {
                var request = new RequestHead(bytes);
                if (_options.HasControl && request.Path == ControlPath)
                {
                    await new Control(this).AnswerAsync(request, client, _stop.Token);
                    continue;
                }

                Counts.AddRequest();
                var fault = Plan.Decide(request, Counts);
                try
                {
                    var exchange = new Exchange(request, fault, client, Counts, _options);
                    if (await exchange.TryAnswerAsync(_stop.Token) is { } goesOn)
                    {
                        if (!goesOn)
                        {
                            return;
                        }

                        continue;
                    }

                    if (server is null or { IsStale: true })
                    {
                        server?.Dispose();
                        server = await Connection.OpenAsync(_options.Upstream, _stop.Token);
                    }

                    if (!await exchange.RelayAsync(server, _stop.Token))
                    {
                        return;
                    }
                }
                finally
                {
                    if (fault is not null)
                    {
                        Counts.End(fault);
                    }
                }
            }
        }
        catch (Exception error) when (error is ClientGoneException or OperationCanceledException)
        {
            // The connection's end was the fault, or the proxy's.
        }
        catch (Exception error) when (error is SocketException or WireException or ObjectDisposedException)
        {
            // Either side went away, or the server is not there: the client hears of it by its connection.
            Counts.AddUnreachable();
            client.Reset();
        }
        finally
        {
            server?.Dispose();
        }
    }
}
