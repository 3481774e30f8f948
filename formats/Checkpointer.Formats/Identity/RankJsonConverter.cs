using System.Text.Json;
using System.Text.Json.Serialization;

namespace Checkpointer.Formats.Identity;

/// <summary>A <see cref="Rank"/> as a JSON number; anything else, or a number out of range, is a <see cref="JsonException"/>.</summary>
public sealed class RankJsonConverter : JsonConverter<Rank>
{
    /// <inheritdoc/>
    public override Rank Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Number
        && reader.TryGetInt32(out var value)
        && value is >= Rank.MinValue and <= Rank.MaxValue
            ? new Rank(value)
            : throw new JsonException($"A rank must be a whole number from {Rank.MinValue} to {Rank.MaxValue}.");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Rank value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value.Value);
}
