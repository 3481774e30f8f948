using System.Text.Json;
using System.Text.Json.Serialization;

namespace Checkpointer.Contracts;

/// <summary>Enums as snake_case strings, never as numbers.</summary>
public sealed class SnakeCaseEnumConverter() : JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false);
