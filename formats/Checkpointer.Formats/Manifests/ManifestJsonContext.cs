using System.Text.Json.Serialization;

namespace Checkpointer.Formats.Manifests;

/// <summary>
/// How a manifest is written. Unknown and doubled fields are refused: what a reader would ignore, a checksum of values
/// would not cover.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    WriteIndented = true,
    NewLine = "\n",
    IndentSize = 2)]
[JsonSerializable(typeof(Manifest))]
internal sealed partial class ManifestJsonContext : JsonSerializerContext;
