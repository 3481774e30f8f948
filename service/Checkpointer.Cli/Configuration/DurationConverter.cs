using System.Text.Json;
using System.Text.Json.Serialization;

namespace Checkpointer.Cli.Configuration;

/// <summary>Durations in a configuration file, written as on the command line.</summary>
internal sealed class DurationConverter : JsonConverter<TimeSpan>
{
    /// <summary>What the <see cref="JsonException"/> says about a value that is none; never the value.</summary>
    public const string Refused = $"is no duration: write one such as {Duration.Examples}, in quotes";

    /// <inheritdoc/>
    public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && Duration.TryParse(reader.GetString()!, out var value)
            ? value
            : throw new JsonException(Refused);

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options) =>
        writer.WriteStringValue(new Duration(value).ToString());
}
