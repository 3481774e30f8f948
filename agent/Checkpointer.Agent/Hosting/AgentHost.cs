using System.Security.Cryptography;
using Checkpointer.Agent.Api;
using Checkpointer.Agent.Arenas;
using Checkpointer.Agent.Draining;
using Checkpointer.Agent.Joining;
using Checkpointer.Agent.Presences;
using Checkpointer.Agent.Replicating;
using Checkpointer.Agent.Reporting;
using Checkpointer.Agent.Restoring;
using Checkpointer.Agent.Serving;
using Checkpointer.Agent.Stores;
using Checkpointer.Agent.Telemetry;
using Checkpointer.Contracts.Problems;
using Checkpointer.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Checkpointer.Agent.Hosting;

/// <summary>Puts an agent together.</summary>
public static class AgentHost
{
    /// <summary>Longest headers of a request, in bytes.</summary>
    public const int MaxHeaderBytes = 16 * 1024;

    /// <summary>Most connections at once, over both listeners.</summary>
    public const int MaxConnections = 4096;

    // A peer that takes an image's bytes more slowly would keep a slot from being reused.
    private const double SlowestReaderBytesPerSecond = 100_000;

    /// <summary>
    /// An agent that is ready to run. <paramref name="configure"/> comes last, so that what it registers wins. Throws
    /// <c>configuration_invalid</c> for options that make no sense.
    /// </summary>
    public static WebApplication Build(AgentOptions options, Action<WebApplicationBuilder>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => Listen(kestrel, options));
        AddAgent(builder.Services, options);
        builder.Services.AddAgentTelemetry(options.Node);
        configure?.Invoke(builder);

        var app = builder.Build();
        app.UseCheckpointerProblems();
        app.UseRouting();
        app.UseAudienceGuard();
        app.MapTrainers();
        app.MapImages();
        app.MapReplicas();
        app.MapProbes();
        return app;
    }

    private static void AddAgent(IServiceCollection services, AgentOptions options)
    {
        services.AddCheckpointerProblems();
        services.AddSingleton(options);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<NewRandom>(() => new Random(BitConverter.ToInt32(RandomNumberGenerator.GetBytes(sizeof(int)))));
        services.AddSingleton(provider => new AgentIdentity(
            options, provider.GetRequiredService<NewRandom>()(), provider.GetRequiredService<IServer>()));
        services.AddSingleton(provider => ObjectStores.OpenResilient(
            options.Store with { CreateFolder = false }, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<NewRandom>()()));
        services.AddSingleton<AgentRepository>();
        services.AddHostedService(provider => provider.GetRequiredService<AgentRepository>());
        services.AddSingleton<AgentTelemetry>();
        services.AddSingleton(provider => new RetryPause(
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<NewRandom>()()));
        services.AddSingleton(provider => new ServiceClient(
            NewServiceHttp(options.Service),
            options.Node,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<AgentTelemetry>()));
        services.AddSingleton<Outboxes>();
        services.AddHostedService(provider => provider.GetRequiredService<Outboxes>());
        services.AddSingleton<RankPresences>();
        services.AddSingleton<FailureReports>();
        services.AddHostedService(provider => provider.GetRequiredService<FailureReports>());
        services.AddHostedService<Heartbeat>();
        services.AddSingleton<EngineReporting>();
        services.AddSingleton<ISnapshotReporter>(provider => provider.GetRequiredService<EngineReporting>());
        services.AddSingleton<IShardReporter>(provider => provider.GetRequiredService<EngineReporting>());
        services.AddSingleton<IRunProgressSource>(provider => provider.GetRequiredService<EngineReporting>());
        services.AddSingleton<Grants>();
        services.AddSingleton(_ => PeerClient.Create());
        services.AddSingleton<Restorer>();
        services.AddSingleton<RestoreBarrier>();
        services.AddSingleton<RestoreJobs>();
        services.AddSingleton<Joiner>();
        services.AddSingleton<TrainerCalls>();
        services.AddSingleton<ImageServer>();
        services.AddSingleton<ReplicaBandwidth>();
        services.AddSingleton<ReplicaInbox>();
        services.AddSingleton<ReplicaClient>();
        services.AddHostedService<ReplicaSender>();
        services.AddHostedService<TrainerSocketLifecycle>();
        services.AddHostedService<AgentLifecycle>();
        services.AddEngine(
            new ArenaOptions
            {
                Node = options.Node,
                Root = options.ArenaRoot,
                SlotsPerRank = options.SlotsPerRank,
                ChunkBytes = options.ChunkBytes,
            },
            options.MemoryBudgetBytes);
    }

    private static void Listen(KestrelServerOptions kestrel, AgentOptions options)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;
        kestrel.Limits.MaxConcurrentConnections = MaxConnections;
        kestrel.Limits.MaxRequestBodySize = TrainerEndpoints.MaxJsonBytes;
        kestrel.Limits.MinResponseDataRate = new MinDataRate(SlowestReaderBytesPerSecond, TimeSpan.FromSeconds(10));
        kestrel.ListenUnixSocket(options.Socket, listener =>
        {
            listener.Protocols = HttpProtocols.Http1;
            listener.For(Audience.Trainers);
        });
        kestrel.Listen(options.ListenEndPoint, listener =>
        {
            listener.Protocols = HttpProtocols.Http1;
            listener.For(Audience.Network);
        });
    }

    private static HttpClient NewServiceHttp(Uri service) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        ConnectTimeout = TimeSpan.FromSeconds(3),
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
    })
    {
        BaseAddress = service,
        Timeout = Timeout.InfiniteTimeSpan,
        MaxResponseContentBufferSize = ServiceClient.MaxAnswerBytes,
    };
}
