using System.Diagnostics.Metrics;
using Checkpointer.Agent.Arenas;
using Checkpointer.Agent.Hosting;
using Checkpointer.Agent.Reporting;
using Checkpointer.Agent.Restoring;
using Checkpointer.Agent.Telemetry;
using Checkpointer.Simulation.Network;
using Checkpointer.Simulation.Scheduling;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Checkpointer.Simulation.Processes;

/// <summary>One life of a node's agent. Its arenas are real files, which outlive it unless the node dies.</summary>
internal sealed class AgentProcess
{
    private readonly WebApplication _app;
    private readonly Meter _meter = new("simulation");
    private readonly string _folder;

    public AgentProcess(World world, SimulatedNode node, int life)
    {
        _folder = node.Folder;
        Process = world.NewProcess($"{node.Name}#{life}", node.Name);
        var server = new SimulatedServer(node.Options.Listen.AbsoluteUri);
        _app = AgentHost.Build(node.Options, builder =>
        {
            builder.Simulate(
                Process,
                server,
                SimulatedHosting.Resilient(world.StoreOf(Process), Process, node.Options.Store.Resilience, _meter),
                new SimulatedLogs(Process, world.Unheard));
            var services = builder.Services;
            services.AddSingleton(provider => new ServiceClient(
                world.Network.ClientOf(Process, node.Options.Service),
                node.Name,
                Process.Time,
                provider.GetRequiredService<AgentTelemetry>()));
            services.AddSingleton(_ => new PeerClient(world.Network.ClientOf(Process)));
            services.AddSingleton<EngineThreads, PoolThreads>();
            _ = services.Remove(services.Single(service => service.ImplementationType == typeof(TrainerSocketLifecycle)));
        });
        world.Network.Listen(node.Options.Listen.Authority, Process, server, Audience.Network);
        world.Network.Listen(node.Socket.Authority, Process, server, Audience.Trainers);
        Process.Died += Forget;
        Ended = RunAsync(world);
    }

    public SimulatedProcess Process { get; }

    public Task Ended { get; }

    public bool IsUp { get; private set; }

    /// <summary>Its slots.</summary>
    public NodeArenas Arenas => _app.Services.GetRequiredService<NodeArenas>();

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
            world.Unheard(Process.Name, $"the agent does not start: {e}");
        }

        Process.Kill();
    }

    // What the kernel does for a process that has ended: none of its code runs any more.
    private void Forget()
    {
        Arenas.Dispose();
        Mappings.Remove(_folder);
        (_app.Services.GetService<IMeterFactory>() as IDisposable)?.Dispose();
        _meter.Dispose();
    }

    private sealed class PoolThreads : EngineThreads
    {
        public override Task<T> RunAsync<T>(Func<T> work) => Task.Run(work);
    }
}
