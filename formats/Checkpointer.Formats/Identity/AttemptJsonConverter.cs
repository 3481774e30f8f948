using System.Text.Json;
using System.Text.Json.Serialization;

namespace Checkpointer.Formats.Identity;

/// <summary>A <see cref="Attempt"/> as a JSON number; anything else, or a number out of range, is a <see cref="JsonException"/>.</summary>
public sealed class AttemptJsonConverter : JsonConverter<Attempt>
{
    /// <inheritdoc/>
    public override Attempt Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Number
        && reader.TryGetInt32(out var value)
        && value is >= Attempt.MinValue and <= Attempt.MaxValue
            ? new Attempt(value)
            : throw new JsonException($"A attempt must be a whole number from {Attempt.MinValue} to {Attempt.MaxValue}.");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Attempt value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value.Value);
}
