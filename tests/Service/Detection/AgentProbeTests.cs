using System.Net;
using System.Net.Sockets;
using System.Text;
using Checkpointer.Service.Detection;

namespace Checkpointer.Service.Tests.Detection;

/// <summary>What a probe concludes from real sockets.</summary>
public sealed class AgentProbeTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(300);

    private readonly AgentProbe _hasty = new(new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = Patience });
    private readonly AgentProbe _patient = new(new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _hasty.Dispose();
        _patient.Dispose();
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nand then nothing")]
    public async Task Probe_WhateverAnswers_Answers(string answer)
    {
        using var agent = new OneAnswer(answer);
        Assert.Equal(ProbeResult.Answers, await _patient.ProbeAsync(agent.Address, Cancel));
    }

    [Fact]
    public async Task Probe_AClosedPort_IsRefused()
    {
        using var agent = new OneAnswer("");
        var address = agent.Address;
        agent.Dispose();
        Assert.Equal(ProbeResult.Refused, await _patient.ProbeAsync(address, Cancel));
    }

    [Fact]
    public async Task Probe_AConnectionThatNobodyServes_IsSilent()
    {
        // The kernel takes the connection; nobody ever looks at it, as on a node that hangs.
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Assert.Equal(ProbeResult.Silent, await _hasty.ProbeAsync($"http://{listener.LocalEndpoint}/", Cancel));
    }

    [Fact]
    public async Task Probe_AConnectionThatIsNeverMade_IsSilent()
    {
        using var probe = new AgentProbe(new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, token) =>
            {
                await Task.Delay(Timeout.Infinite, token);
                throw new InvalidOperationException("unreachable");
            },
        })
        { Timeout = Patience });
        Assert.Equal(ProbeResult.Silent, await probe.ProbeAsync("http://192.0.2.1:7071", Cancel));
    }

    [Theory]
    [InlineData(SocketError.HostUnreachable, false)]
    [InlineData(SocketError.NetworkUnreachable, false)]
    [InlineData(SocketError.TimedOut, false)]
    [InlineData(SocketError.HostNotFound, false)]
    [InlineData(SocketError.ConnectionRefused, true)]
    [InlineData(SocketError.ConnectionReset, true)]
    public async Task Probe_OnlyANodeThatSaysNo_IsRefused(SocketError error, bool isRefused)
    {
        using var probe = new AgentProbe(new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = (_, _) => throw new SocketException((int)error),
        }));
        Assert.Equal(isRefused ? ProbeResult.Refused : ProbeResult.Silent, await probe.ProbeAsync("http://192.0.2.1:7071", Cancel));
    }

    [Fact]
    public async Task Probe_AnAnswerThatIsNoHttp_IsSilent()
    {
        using var agent = new OneAnswer("SSH-2.0-OpenSSH_9.9\r\n\r\n");
        Assert.Equal(ProbeResult.Silent, await _patient.ProbeAsync(agent.Address, Cancel));
    }

    [Fact]
    public async Task Probe_WhenTheServiceStops_EndsAndConcludesNothing()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var stop = new CancellationTokenSource();
        var probing = AgentProbe.Create().ProbeAsync($"http://{listener.LocalEndpoint}/", stop.Token);
        await stop.CancelAsync();
        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => probing);
    }

    /// <summary>Gives every connection the same answer to its first bytes, and keeps it open.</summary>
    private sealed class OneAnswer : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly List<Socket> _open = [];

        public OneAnswer(string answer)
        {
            _listener.Start();
            Address = $"http://{_listener.LocalEndpoint}";
            _ = Task.Run(async () =>
            {
                while (true)
                {
                    var socket = await _listener.AcceptSocketAsync();
                    _open.Add(socket);
                    _ = await socket.ReceiveAsync(new byte[4096]);
                    _ = await socket.SendAsync(Encoding.ASCII.GetBytes(answer));
                }
            });
        }

        public string Address { get; }

        public void Dispose()
        {
            _listener.Dispose();
            _open.ForEach(socket => socket.Dispose());
        }
    }
}
