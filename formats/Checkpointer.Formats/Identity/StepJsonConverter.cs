using System.Text.Json;
using System.Text.Json.Serialization;

namespace Checkpointer.Formats.Identity;

/// <summary>A <see cref="Step"/> as a JSON number; anything else, or a number out of range, is a <see cref="JsonException"/>.</summary>
public sealed class StepJsonConverter : JsonConverter<Step>
{
    /// <inheritdoc/>
    public override Step Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Number
        && reader.TryGetInt64(out var value)
        && value is >= Step.MinValue and <= Step.MaxValue
            ? new Step(value)
            : throw new JsonException($"A step must be a whole number from {Step.MinValue} to {Step.MaxValue}.");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Step value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value.Value);
}
