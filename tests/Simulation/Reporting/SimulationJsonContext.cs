using System.Text.Json.Serialization;
using Checkpointer.Simulation.Mutants;

namespace Checkpointer.Simulation.Reporting;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SeedOptions))]
[JsonSerializable(typeof(SeedResult))]
[JsonSerializable(typeof(CampaignReport))]
[JsonSerializable(typeof(List<MutantResult>))]
internal sealed partial class SimulationJsonContext : JsonSerializerContext;
