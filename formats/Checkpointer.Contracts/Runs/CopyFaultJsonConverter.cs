using System.Text.Json;
using System.Text.Json.Serialization;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>
/// A <see cref="CopyFault"/> as an object; also read from a text, which is what it was at first, as
/// <see cref="CopyFaultKind.Other"/>: nothing in a text says for certain that bytes were wrong.
/// </summary>
public sealed class CopyFaultJsonConverter : JsonConverter<CopyFault>
{
    /// <inheritdoc/>
    public override CopyFault Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String)
        {
            return new CopyFault { Kind = CopyFaultKind.Other, Message = reader.GetString()! };
        }

        using var json = JsonDocument.ParseValue(ref reader);
        if (json.RootElement.ValueKind != JsonValueKind.Object)
        {
            throw new JsonException("A fault is an object, or a text.");
        }

        CopyFaultKind? kind = null;
        Rank? rank = null;
        Tier? tier = null;
        string? node = null, message = null;
        foreach (var member in json.RootElement.EnumerateObject())
        {
            switch (member.Name)
            {
                case "kind":
                    kind = EnumOf<CopyFaultKind>(member.Value);
                    break;
                case "rank":
                    rank = member.Value.ValueKind == JsonValueKind.Number && member.Value.TryGetInt32(out var value)
                        && value is >= Rank.MinValue and <= Rank.MaxValue ? new Rank(value) : throw new JsonException("A fault's rank must be one.");
                    break;
                case "tier":
                    tier = EnumOf<Tier>(member.Value);
                    break;
                case "node":
                    node = TextOf(member.Value);
                    break;
                case "message":
                    message = TextOf(member.Value);
                    break;
                default:
                    // As of any other type: a contract passes over it, a journal does not.
                    if (options.UnmappedMemberHandling == JsonUnmappedMemberHandling.Disallow)
                    {
                        throw new JsonException($"A fault has no member '{member.Name}'.");
                    }

                    break;
            }
        }

        return new CopyFault
        {
            Kind = kind ?? throw new JsonException("A fault must have a kind."),
            Rank = rank,
            Tier = tier,
            Node = node,
            Message = message ?? throw new JsonException("A fault must have a message."),
        };
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, CopyFault value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        writer.WriteString("kind", NameOf(value.Kind));
        if (value.Rank is { } rank)
        {
            writer.WriteNumber("rank", rank.Value);
        }

        if (value.Tier is { } tier)
        {
            writer.WriteString("tier", NameOf(tier));
        }

        if (value.Node is { } node)
        {
            writer.WriteString("node", node);
        }

        writer.WriteString("message", value.Message);
        writer.WriteEndObject();
    }

    private static string NameOf<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    private static T EnumOf<T>(JsonElement value)
        where T : struct, Enum => TextOf(value) is var text && Enum.GetValues<T>().Where(each => NameOf(each) == text).ToList() is [var known]
            ? known : throw new JsonException($"'{text}' is none of a fault's.");

    private static string TextOf(JsonElement value) => value.ValueKind == JsonValueKind.String
        ? value.GetString()! : throw new JsonException("A member of a fault must be a text.");
}
