using System.Text.Json;
using System.Text.Json.Serialization;
using Checkpointer.Chaos.Jobs;

namespace Checkpointer.Chaos.Judging;

/// <summary>How reports and orders are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(ChaosReport))]
[JsonSerializable(typeof(ForkOrder))]
internal sealed partial class ChaosJsonContext : JsonSerializerContext
{
    /// <summary>For one line each.</summary>
    public static ChaosJsonContext Wire { get; } =
        new(new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = false });
}
