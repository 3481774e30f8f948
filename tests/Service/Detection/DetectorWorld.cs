using System.Diagnostics.Metrics;
using System.Net.Sockets;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Journal.Tests.Memory;
using Checkpointer.Service.Agents;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Detection;
using Checkpointer.Service.Hosting;
using Checkpointer.Service.Journal;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Telemetry;
using Checkpointer.Service.Tests.Driving;
using Checkpointer.Service.Tests.Runs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Service.Tests.Detection;

/// <summary>The detector on real runs, with a clock that the test moves and agents' addresses that answer as it says.</summary>
internal sealed class DetectorWorld : HttpMessageHandler, IAsyncDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly MeterListener _listener = new();
    private readonly MemoryJournal _journal = new();
    private readonly AgentRegistry _agents;
    private readonly FailureDetector _detector;

    public DetectorWorld()
    {
        Options = RunningService.Options("/unused");
        _agents = new AgentRegistry(Options, _time);
        var metrics = new ServiceMetrics(_services.GetRequiredService<IMeterFactory>(), _agents);
        Host = new RunHost(
            _ => Task.FromResult<IJournal>(_journal), Options, new RunChanges(), _time, metrics, NullLogger<RunHost>.Instance);
        _detector = new FailureDetector(
            Host, _agents, new AgentProbe(new HttpClient(this)), Options, metrics, _time, NullLogger<FailureDetector>.Instance);
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Scope == _services.GetRequiredService<IMeterFactory>() && instrument.Name == ServiceTelemetry.Detections)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, count, tags, _) => Detections.AddRange(Enumerable.Repeat((string)tags[0].Value!, (int)count)));
        _listener.Start();
    }

    public ServiceOptions Options { get; }

    public RunHost Host { get; }

    /// <summary>What each node's address does; refuses unless told otherwise.</summary>
    public Dictionary<string, ProbeResult> Answers { get; } = [];

    /// <summary>The addresses that were probed.</summary>
    public List<string> Probed { get; } = [];

    /// <summary>The kinds of detection that were counted.</summary>
    public List<string> Detections { get; } = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async Task<Attempt> StartAsync(string incarnation = "one", int worldSize = 2)
    {
        if (incarnation == "one")
        {
            await Host.StartAsync(Cancel);
        }

        JoinResult? last = null;
        for (var rank = 0; rank < worldSize; rank++)
        {
            last = await Host.ExecuteAsync(RunDriver.Run, RunDriver.JoinOf(incarnation, rank, worldSize, $"n{rank}"), Cancel);
        }

        return last!.Attempt!.Value;
    }

    /// <summary>The agent of that node's only rank says how it stands.</summary>
    public void Beat(int rank, Attempt attempt, long? step = null, double silentMs = 0, string? card = null, RunId? run = null) =>
        _agents.See(new AgentPresence
        {
            Node = $"n{rank}",
            Instance = "1",
            Address = $"http://n{rank}:7071",
            Holdings = [],
            Ranks =
            [
                new RankActivity
                {
                    Run = run ?? RunDriver.Run,
                    Attempt = attempt,
                    Rank = new Rank(rank),
                    LastStep = step is { } known ? new Step(known) : null,
                    SilentMs = silentMs,
                    Card = card,
                },
            ],
        });

    public async Task ReportAsync(Attempt attempt, long step) => _ = await Host.ExecuteAsync(
        RunDriver.Run, new RecordSteps(new ReportSteps { Attempt = attempt, Reports = [RunDriver.StepOf(step)] }), Cancel);

    /// <summary>Time passes, in which the detector looks as often as it does.</summary>
    public async Task PassAsync(double seconds)
    {
        for (var half = 0; half < seconds * 2; half++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(500));
            await _detector.LookAsync(Cancel);
        }
    }

    public async Task<IReadOnlyList<Incident>> IncidentsAsync() =>
        await Host.ReadAsync(RunDriver.Run, state => state.Incidents.Kept.ToList(), Cancel);

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        _detector.Dispose();
        await Host.DisposeAsync();
        await _services.DisposeAsync();
        base.Dispose();
    }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var node = request.RequestUri!.Host;
        Probed.Add(node);
        return Answers.GetValueOrDefault(node, ProbeResult.Refused) switch
        {
            ProbeResult.Answers => Task.FromResult(new HttpResponseMessage()),
            ProbeResult.Silent => throw new TaskCanceledException("no answer", new TimeoutException()),
            _ => throw new HttpRequestException("no", new SocketException((int)SocketError.ConnectionRefused)),
        };
    }
}
