using System.Text.Json.Serialization;

namespace Checkpointer.Benchmarks;

/// <summary>JSON of the metrics, and of what the trainer's side measured.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(List<Metric>))]
[JsonSerializable(typeof(Dictionary<string, double>))]
internal sealed partial class BenchmarkJsonContext : JsonSerializerContext;
