using System.Diagnostics.Metrics;
using Checkpointer.Simulation.Network;
using Checkpointer.Simulation.Scheduling;
using Checkpointer.Simulation.Storing;
using Checkpointer.Storage;
using Checkpointer.Storage.Resilience;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Simulation.Processes;

/// <summary>Puts simulated boundaries into a host that is about to be built: all else in it stays as it is.</summary>
internal static class SimulatedHosting
{
    public static void Simulate(
        this WebApplicationBuilder builder, SimulatedProcess process, SimulatedServer server, IObjectStore store, ILoggerProvider logs)
    {
        var services = builder.Services;
        builder.Logging.ClearProviders();
        builder.Logging.AddProvider(logs);
        services.AddSingleton<TimeProvider>(process.Time);
        services.AddSingleton<IServer>(server);
        services.AddSingleton<IHostLifetime, NoLifetime>();
        services.AddSingleton<NewRandom>(() => new Random(process.Random.Next()));
        services.AddSingleton(store);

        // Exporters have threads of their own, and listeners that outlive the process.
        foreach (var exporting in services.Where(service => IsOfTelemetry(service.ServiceType) || IsOfTelemetry(service.ImplementationType)).ToList())
        {
            _ = services.Remove(exporting);
        }
    }

    private static bool IsOfTelemetry(Type? type) => type?.FullName?.StartsWith("OpenTelemetry", StringComparison.Ordinal) == true;

    /// <summary>The store as production wraps it, except that it is measured by nobody.</summary>
    public static IObjectStore Resilient(SimulatedObjectStore store, SimulatedProcess process, ResilienceOptions options, Meter meter) =>
        new ResilientObjectStore(store, options, meter, process.Time, new Random(process.Random.Next()));

    /// <summary>Signals are the simulation's own affair.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
