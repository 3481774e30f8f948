using System.Net.Http.Json;
using System.Text.Json.Serialization.Metadata;
using Checkpointer.Contracts.Problems;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Hosting;
using Checkpointer.Service.Journal;
using Checkpointer.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Tests.Driving;

/// <summary>The service as it ships, on a free loopback port, over a folder.</summary>
internal sealed class RunningService : IAsyncDisposable
{
    private readonly WebApplication _app;

    private RunningService(WebApplication app, HttpClient http, IObjectStore store)
    {
        _app = app;
        Http = http;
        Store = store;
    }

    public HttpClient Http { get; }

    public IObjectStore Store { get; }

    public IServiceProvider Services => _app.Services;

    /// <summary>Fires when the service stops by itself.</summary>
    public CancellationToken Stopping => _app.Lifetime.ApplicationStopping;

    public static string StorePath(string folder) => Path.Combine(folder, "store");

    public static string DataPath(string folder) => Path.Combine(folder, "data");

    public static ServiceOptions Options(string folder) => new()
    {
        DataPath = DataPath(folder),
        Store = new() { Url = StorePath(folder) },
        Listen = new Uri("http://127.0.0.1:0"),
        CommitRetryDelay = TimeSpan.FromMilliseconds(50),
    };

    /// <summary>Starts it; <paramref name="decorate"/> wraps the store that the service sees, not the one that tests see.</summary>
    public static async Task<RunningService> StartAsync(
        string folder,
        Func<ServiceOptions, ServiceOptions>? change = null,
        Func<IObjectStore, IObjectStore>? decorate = null,
        TimeProvider? timeProvider = null,
        IJournal? journal = null)
    {
        var options = Options(folder);
        var store = ObjectStores.Open(StorePath(folder));
        var app = ServiceHost.Build(change?.Invoke(options) ?? options, builder =>
        {
            builder.Logging.ClearProviders();
            if (decorate is not null)
            {
                builder.Services.AddSingleton(decorate(store));
            }

            if (timeProvider is not null)
            {
                builder.Services.AddSingleton(timeProvider);
            }

            if (journal is not null)
            {
                builder.Services.AddSingleton<JournalOpener>(_ => Task.FromResult(journal));
            }
        });
        try
        {
            await app.StartAsync();
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        return new RunningService(app, new HttpClient { BaseAddress = new Uri(app.Urls.Single()) }, store);
    }

    public async Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        using var response = await Http.GetAsync(path, cancellationToken);
        await ProblemReader.EnsureSuccessAsync(response, cancellationToken);
        return (await response.Content.ReadFromJsonAsync(type, cancellationToken))!;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
