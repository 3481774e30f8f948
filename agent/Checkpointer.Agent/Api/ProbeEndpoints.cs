using Checkpointer.Agent.Hosting;
using Checkpointer.Agent.Stores;
using Checkpointer.Formats.Errors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;

namespace Checkpointer.Agent.Api;

/// <summary>
/// What orchestrators and scrapers ask. An agent that listens has adopted its arenas and serves trainers; it is ready if its
/// store was there as well a moment ago (looked at in the background). The service being away makes it neither dead nor
/// unready, because its memory is what the next restore needs.
/// </summary>
internal static class ProbeEndpoints
{
    /// <summary>Adds the routes, for TCP only.</summary>
    public static void MapProbes(this IEndpointRouteBuilder app)
    {
        app.MapGet("/healthz/live", () => Results.Text("ok\n")).For(Audience.Network);
        app.MapGet("/healthz/ready", Ready).For(Audience.Network);
        if (app.ServiceProvider.GetService<MeterProvider>() is not null)
        {
            app.MapPrometheusScrapingEndpoint("/metrics").For(Audience.Network);
        }
    }

    private static IResult Ready(AgentRepository repository) => repository.Problem is { } problem
        ? throw new CheckpointerException(
            ErrorCode.StorageUnavailable, $"store: {repository.Store}: {problem}", isTransient: true)
        : Results.Text("ok\n");
}
