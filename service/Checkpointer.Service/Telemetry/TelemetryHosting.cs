using Checkpointer.Storage.Decorators;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Checkpointer.Service.Telemetry;

/// <summary>Metrics at <c>/metrics</c> for Prometheus; metrics and spans by OTLP if the usual variable says where to.</summary>
internal static class TelemetryHosting
{
    private const string OtlpEndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    public static IServiceCollection AddServiceTelemetry(this IServiceCollection services)
    {
        services.AddSingleton<ServiceMetrics>();
        var telemetry = services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("checkpointer-service"))
            .WithMetrics(metrics => metrics
                .AddMeter(ServiceTelemetry.SourceName, StoreTelemetry.SourceName)
                .AddAspNetCoreInstrumentation()
                .AddRuntimeInstrumentation()
                .AddPrometheusExporter())
            .WithTracing(traces => traces
                .AddSource(ServiceTelemetry.SourceName, StoreTelemetry.SourceName)
                .AddAspNetCoreInstrumentation());
        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable(OtlpEndpointVariable)))
        {
            _ = telemetry.UseOtlpExporter();
        }

        return services;
    }

    /// <summary>The route of what <see cref="AddServiceTelemetry"/> collects, if anything does.</summary>
    public static void MapServiceMetrics(this IEndpointRouteBuilder routes)
    {
        if (routes.ServiceProvider.GetService<MeterProvider>() is not null)
        {
            _ = routes.MapPrometheusScrapingEndpoint("/metrics");
        }
    }
}
