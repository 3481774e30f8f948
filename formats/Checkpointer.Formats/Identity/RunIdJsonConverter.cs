using System.Text.Json;
using System.Text.Json.Serialization;

namespace Checkpointer.Formats.Identity;

/// <summary>A <see cref="RunId"/> as a JSON string; an invalid one is a <see cref="JsonException"/>.</summary>
public sealed class RunIdJsonConverter : JsonConverter<RunId>
{
    /// <inheritdoc/>
    public override RunId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        RunId.TryParse(reader.GetString(), null, out var id)
            ? id
            : throw new JsonException("A run id must be a DNS label: 1 to 63 of a-z, 0-9 and inner hyphens.");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, RunId value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Value);
}
