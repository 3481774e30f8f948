using System.Text.Json.Serialization;
using Checkpointer.Contracts;

namespace Checkpointer.Cli.Demo;

/// <summary>How the report is written: snake_case like everything else that scripts read.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    WriteIndented = true,
    Converters = [typeof(SnakeCaseEnumConverter)])]
[JsonSerializable(typeof(DemoReport))]
internal sealed partial class DemoJsonContext : JsonSerializerContext;
