using System.Text.Json;
using System.Text.Json.Serialization;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Problems;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Health;
using Checkpointer.Service.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace Checkpointer.Service.Api;

/// <summary>Everything that the service answers over HTTP.</summary>
internal static class ApiHosting
{
    public static IServiceCollection AddServiceApi(this IServiceCollection services)
    {
        services.AddCheckpointerProblems();
        services.ConfigureHttpJsonOptions(json => Adopt(json.SerializerOptions));
        return services.AddOpenApi("v1", openApi =>
        {
            openApi.AddDocumentTransformer((document, _, _) =>
            {
                document.Info.Title = "Checkpointer service";
                document.Servers?.Clear();
                return Task.CompletedTask;
            });
            openApi.AddSchemaTransformer((schema, context, _) =>
            {
                Describe(schema, context.JsonTypeInfo.Type);
                return Task.CompletedTask;
            });
        });
    }

    public static void MapServiceApi(this IEndpointRouteBuilder routes)
    {
        routes.MapRuns();
        routes.MapReports();
        routes.MapVerifications();
        routes.MapRollbacks();
        routes.MapAgents();
        routes.MapHealth();
        routes.MapServiceMetrics();
        _ = routes.MapOpenApi("/openapi/{documentName}.json");
    }

    /// <summary>The contracts' own options, and no null where a contract has none.</summary>
    private static void Adopt(JsonSerializerOptions options)
    {
        var contracts = ContractsJsonContext.Default.Options;
        options.PropertyNamingPolicy = contracts.PropertyNamingPolicy;
        options.DefaultIgnoreCondition = contracts.DefaultIgnoreCondition;
        options.NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals;
        options.RespectNullableAnnotations = true;
        options.RespectRequiredConstructorParameters = true;
        foreach (var converter in contracts.Converters)
        {
            options.Converters.Add(converter);
        }

        options.TypeInfoResolverChain.Insert(0, ContractsJsonContext.Default);
    }

    /// <summary>Types whose JSON is a plain value by a converter of their own.</summary>
    private static void Describe(OpenApiSchema schema, Type type)
    {
        var bare = Nullable.GetUnderlyingType(type) ?? type;
        if (bare == typeof(RunId))
        {
            (schema.Type, schema.Pattern) = (JsonSchemaType.String, "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$");
        }
        else if (bare == typeof(Rank) || bare == typeof(Attempt) || bare == typeof(Step))
        {
            (schema.Type, schema.Format) = (JsonSchemaType.Integer, bare == typeof(Step) ? "int64" : "int32");
        }
    }
}
