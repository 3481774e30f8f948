using Checkpointer.Storage.Decorators;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Checkpointer.Agent.Telemetry;

/// <summary>Collects metrics and spans: metrics for a scraper at <c>/metrics</c>, both for a collector if one is named.</summary>
internal static class TelemetryHosting
{
    // The standard variable of OpenTelemetry: without it nothing is sent anywhere.
    private const string CollectorVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <summary>Adds the collection.</summary>
    public static void AddAgentTelemetry(this IServiceCollection services, string node)
    {
        var telemetry = services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("checkpointer-agent", serviceInstanceId: node))
            .WithMetrics(metrics => metrics
                .AddMeter(AgentTelemetry.SourceName, StoreTelemetry.SourceName)
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddRuntimeInstrumentation()
                .AddPrometheusExporter())
            .WithTracing(traces => traces
                .AddSource(AgentTelemetry.SourceName, StoreTelemetry.SourceName)
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation());
        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable(CollectorVariable)))
        {
            telemetry.UseOtlpExporter();
        }
    }
}
