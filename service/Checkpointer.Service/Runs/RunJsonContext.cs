using System.Text.Json.Serialization;
using Checkpointer.Contracts;
using Checkpointer.Service.Stores;

namespace Checkpointer.Service.Runs;

/// <summary>
/// How events and states are written to the journal. Unknown members are refused: what an older program would skip, it
/// would forget.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    // A trainer's data cursor is nested as deep as a request may be (64), and deeper again in here.
    MaxDepth = 128,
    Converters = [typeof(SnakeCaseEnumConverter)])]
[JsonSerializable(typeof(RunEntry))]
[JsonSerializable(typeof(RepositoryChoice))]
[JsonSerializable(typeof(SavedService))]
internal sealed partial class RunJsonContext : JsonSerializerContext;
