using Checkpointer.Agent.Admission;
using Checkpointer.Agent.Draining;
using Checkpointer.Agent.Sealing;
using Microsoft.Extensions.DependencyInjection;

namespace Checkpointer.Agent.Arenas;

/// <summary>Puts the engine (arenas, sealing, draining) into a host.</summary>
internal static class EngineHosting
{
    /// <summary>
    /// Adds <see cref="NodeArenas"/>, <see cref="MemoryBudget"/> and the background work. The host itself provides
    /// <see cref="Storage.IObjectStore"/> (retrying), <see cref="ISnapshotReporter"/>, <see cref="IShardReporter"/>,
    /// <see cref="IRunProgressSource"/>, <see cref="TimeProvider"/>, logging and metrics, and calls
    /// <see cref="NodeArenas.AdoptAsync"/>.
    /// </summary>
    public static IServiceCollection AddEngine(
        this IServiceCollection services,
        ArenaOptions arenas,
        long memoryBudgetBytes,
        SealingOptions? sealing = null,
        DrainingOptions? draining = null)
    {
        services.AddSingleton(arenas);
        services.AddSingleton(sealing ?? new SealingOptions());
        services.AddSingleton(draining ?? new DrainingOptions());
        services.AddSingleton(new MemoryBudget(memoryBudgetBytes));
        services.AddMetrics();
        services.AddSingleton<EngineTelemetry>();
        services.AddSingleton<EngineThreads>();
        services.AddSingleton<NodeArenas>();
        services.AddSingleton<Prefaulter>().AddHostedService(provider => provider.GetRequiredService<Prefaulter>());
        services.AddSingleton<SealQueue>().AddHostedService(provider => provider.GetRequiredService<SealQueue>());
        services.AddSingleton<DrainQueue>().AddHostedService(provider => provider.GetRequiredService<DrainQueue>());
        return services;
    }
}
