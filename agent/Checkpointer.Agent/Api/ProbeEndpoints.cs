using Checkpointer.Agent.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Checkpointer.Agent.Api;

/// <summary>
/// What orchestrators and scrapers ask. An agent that listens has adopted its arenas and is ready; the service being away
/// makes it neither dead nor unready, because its memory is what the next restore needs.
/// </summary>
internal static class ProbeEndpoints
{
    /// <summary>Adds the routes, for TCP only.</summary>
    public static void MapProbes(this IEndpointRouteBuilder app)
    {
        app.MapGet("/healthz/live", () => Results.Text("ok\n")).For(Audience.Network);
        app.MapGet("/healthz/ready", () => Results.Text("ok\n")).For(Audience.Network);
        app.MapPrometheusScrapingEndpoint("/metrics").For(Audience.Network);
    }
}
