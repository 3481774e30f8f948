using System.Diagnostics.Metrics;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Detection;
using Checkpointer.Service.Hosting;
using Checkpointer.Service.Journal;
using Checkpointer.Service.Runs;
using Checkpointer.Simulation.Journaling;
using Checkpointer.Simulation.Network;
using Checkpointer.Simulation.Scheduling;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Checkpointer.Simulation.Processes;

/// <summary>One life of the service.</summary>
internal sealed class ServiceProcess
{
    private readonly WebApplication _app;
    private readonly Meter _meter = new("simulation");

    public ServiceProcess(World world, int life)
    {
        Process = world.NewProcess($"service#{life}", World.ServiceNode);
        var server = new SimulatedServer(World.ServiceAddress.AbsoluteUri);
        _app = ServiceHost.Build(world.ServiceOptions, builder =>
        {
            builder.Simulate(
                Process,
                server,
                SimulatedHosting.Resilient(world.StoreOf(Process), Process, world.ServiceOptions.Store.Resilience, _meter),
                new SimulatedLogs(Process, world.Unheard));
            var journal = new SimulatedJournal(world.Journal, Process, new Random(Process.Random.Next()));
            builder.Services.AddSingleton<JournalOpener>(_ => Task.FromResult<IJournal>(journal));
            builder.Services.AddSingleton(_ => new AgentProbe(ProbeClient(world)));
        });
        world.Network.Listen(World.ServiceAddress.Authority, Process, server);
        Process.Died += () => Forget(world);
        Ended = RunAsync(world);
    }

    public SimulatedProcess Process { get; }

    /// <summary>Ends when it has stopped by itself; never after it was killed.</summary>
    public Task Ended { get; }

    /// <summary>Whether it has started.</summary>
    public bool IsUp { get; private set; }

    /// <summary>The run as this process sees it, durable or not; null if it does not know it (yet).</summary>
    public RunState? State(Formats.Identity.RunId run)
    {
        if (!Process.Alive || !IsUp)
        {
            return null;
        }

        RunState? seen = null;
        try
        {
            // The query runs at once; what the task waits for concerns callers that may not see what a crash takes back.
            _ = _app.Services.GetRequiredService<RunHost>().TryReadAsync(
                run,
                state =>
                {
                    seen = state;
                    return true;
                },
                CancellationToken.None);
        }
        catch (Formats.Errors.CheckpointerException)
        {
            return null;
        }

        return seen;
    }

    private HttpClient ProbeClient(World world)
    {
        var client = world.Network.ClientOf(Process);
        return client;
    }

    private async Task RunAsync(World world)
    {
        await Task.Yield();
        try
        {
            await _app.StartAsync().ConfigureAwait(false);
            IsUp = true;
            await _app.WaitForShutdownAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is not SimulationException)
        {
            world.Unheard(Process.Name, $"the service does not start: {e}");
        }

        Process.Kill();
    }

    private void Forget(World world)
    {
        world.Count("journal_tail_lost", world.Journal.Crash(world.Random));
        (_app.Services.GetService<IMeterFactory>() as IDisposable)?.Dispose();
        _meter.Dispose();
    }
}
