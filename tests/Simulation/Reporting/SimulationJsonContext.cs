using System.Text.Json.Serialization;

namespace Checkpointer.Simulation.Reporting;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SeedOptions))]
[JsonSerializable(typeof(SeedResult))]
[JsonSerializable(typeof(CampaignReport))]
internal sealed partial class SimulationJsonContext : JsonSerializerContext;
