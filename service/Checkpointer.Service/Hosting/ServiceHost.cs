using System.Security.Cryptography;
using Checkpointer.Contracts.Problems;
using Checkpointer.Service.Agents;
using Checkpointer.Service.Api;
using Checkpointer.Service.Attempts;
using Checkpointer.Service.Committing;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Detection;
using Checkpointer.Service.Journal;
using Checkpointer.Service.Notifying;
using Checkpointer.Service.Recovery;
using Checkpointer.Service.Stores;
using Checkpointer.Service.Sweeping;
using Checkpointer.Service.Telemetry;
using Checkpointer.Service.Verifying;
using Checkpointer.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Hosting;

/// <summary>Puts the service together.</summary>
public static class ServiceHost
{
    private const string JournalFolder = "journal";
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Builds the service; starting it opens and replays the journal, then listens. Throws
    /// <see cref="Formats.Errors.CheckpointerException"/> (<c>configuration_invalid</c>) on options that make no sense.
    /// </summary>
    /// <param name="options">What the operator says.</param>
    /// <param name="configure">Changes to what is built, such as logging; comes last, so that a service that it adds wins.</param>
    public static WebApplication Build(ServiceOptions options, Action<WebApplicationBuilder>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.UseUrls(options.Listen.GetLeftPart(UriPartial.Authority));
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = ApiLimits.MaxBodyBytes;
            kestrel.Limits.MaxRequestHeadersTotalSize = ApiLimits.MaxHeaderBytes;
            kestrel.Limits.MaxRequestLineSize = ApiLimits.MaxRequestLineBytes;
            kestrel.Limits.MaxConcurrentConnections = ApiLimits.MaxConnections;
        });
        AddServices(builder.Services, options);
        configure?.Invoke(builder);

        var app = builder.Build();
        app.UseCheckpointerProblems();
        app.MapServiceApi();
        return app;
    }

    private static void AddServices(IServiceCollection services, ServiceOptions options)
    {
        services.Configure<HostOptions>(host => host.ShutdownTimeout = StopTimeout);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton<AgentRegistry>();
        services.AddSingleton<MemoryTier>();
        services.AddSingleton<RunChanges>();
        services.AddSingleton(provider => Opener(options, provider.GetRequiredService<ILogger<FasterLogJournal>>()));
        services.AddSingleton<NewRandom>(() => new Random(RandomNumberGenerator.GetInt32(int.MaxValue)));
        services.AddSingleton(provider => ObjectStores.OpenResilient(
            options.Store, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<NewRandom>()()));
        services.AddServiceTelemetry();
        services.AddServiceApi();

        // All are made, so that the loops listen; then started in this order, before the first request is taken; and
        // stopped in reverse: the journal is open around everything.
        services.AddSingleton<StoreGate>();
        services.AddSingleton<RunHost>();
        services.AddSingleton<LostJournalGuard>();
        services.AddSingleton<HeldJoins>();
        services.AddSingleton<Rollbacks>();
        services.AddSingleton<HeldRestores>();
        services.AddSingleton<CheckpointCommitter>();
        services.AddSingleton<IncidentWatch>();
        services.AddSingleton<IncidentStream>();
        services.AddSingleton(_ => AgentProbe.Create());
        services.AddHostedService(provider => provider.GetRequiredService<RunHost>());
        services.AddHostedService(provider => provider.GetRequiredService<StoreGate>());
        services.AddHostedService<JournalWatch>();
        services.AddHostedService<SnapshotWorker>();
        services.AddHostedService<DeadlineWorker>();
        services.AddHostedService<CommitWorker>();
        services.AddHostedService<AttemptRecorder>();
        services.AddHostedService<ScrubWorker>();
        services.AddHostedService<SweepWorker>();
        services.AddHostedService<FailureDetector>();
        services.AddHostedService(provider => provider.GetRequiredService<IncidentWatch>());
        if (options.Webhook is { } webhook)
        {
            services.AddSingleton(webhook);
            services.AddSingleton<WebhookSender>();
            services.AddHostedService<WebhookWorker>();
        }
    }

    private static JournalOpener Opener(ServiceOptions options, ILogger<FasterLogJournal> logger) =>
        async cancellationToken => await FasterLogJournal.OpenAsync(
            new FasterLogJournalOptions { Folder = Path.Combine(options.DataPath, JournalFolder) }, logger, cancellationToken);
}
