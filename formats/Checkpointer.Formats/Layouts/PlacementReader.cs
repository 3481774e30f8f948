using System.Text;
using System.Text.Json;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Formats.Layouts;

/// <summary>Reads the placements: JSON inside a string, as safetensors metadata can hold nothing but strings.</summary>
internal static class PlacementReader
{
    /// <summary>The key in <c>__metadata__</c>.</summary>
    public const string MetadataName = "checkpointer";

    /// <summary>The version of the placements that this program reads and writes.</summary>
    public const int Version = 1;

    private const string All = "*";

    /// <summary>Adds the placements in <paramref name="json"/> to their tensors.</summary>
    public static void Apply(string json, Dictionary<string, TensorEntry> tensors)
    {
        try
        {
            Read(Encoding.UTF8.GetBytes(json), tensors);
        }
        catch (JsonException)
        {
            throw new FormatFaultException(LayoutFault.PlacementMalformed, "The placements are not JSON.");
        }
    }

    private static void Read(byte[] utf8, Dictionary<string, TensorEntry> tensors)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = 8 });
        reader.Read();
        Expect(reader.TokenType == JsonTokenType.StartObject, All);
        var hasVersion = false;
        Dictionary<string, TensorEntry>? placed = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = JsonText.Get(ref reader);
            reader.Read();
            switch (key)
            {
                case "version":
                    JsonText.Unique(!hasVersion, key);
                    hasVersion = true;
                    JsonText.Expect(
                        reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var version) && version == Version,
                        LayoutFault.PlacementVersionUnknown,
                        All);
                    break;
                case "placements":
                    JsonText.Unique(placed is null, key);
                    placed = ReadPlacements(ref reader, tensors);
                    break;
                default:
                    throw new FormatFaultException(LayoutFault.PlacementMalformed, $"Unknown key '{key}'.");
            }
        }

        reader.Read();
        JsonText.Expect(hasVersion, LayoutFault.PlacementVersionUnknown, All);
        Expect(placed is not null, All);
        foreach (var (name, tensor) in placed!)
        {
            tensors[name] = tensor;
        }
    }

    private static Dictionary<string, TensorEntry> ReadPlacements(
        ref Utf8JsonReader reader, Dictionary<string, TensorEntry> tensors)
    {
        Expect(reader.TokenType == JsonTokenType.StartObject, All);
        var placed = new Dictionary<string, TensorEntry>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = JsonText.Get(ref reader);
            reader.Read();
            JsonText.Expect(tensors.TryGetValue(name, out var tensor), LayoutFault.PlacementOfUnknownTensor, name);
            JsonText.Unique(placed.TryAdd(name, ReadPlacement(ref reader, tensor!)), name);
        }

        return placed;
    }

    private static TensorEntry ReadPlacement(ref Utf8JsonReader reader, TensorEntry tensor)
    {
        var name = tensor.Name;
        Expect(reader.TokenType == JsonTokenType.StartObject, name);
        long[]? globalShape = null;
        long[]? offsets = null;
        Rank[]? replicas = null;
        bool? stored = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = JsonText.Get(ref reader);
            reader.Read();
            switch (key)
            {
                case "global_shape":
                    JsonText.Unique(globalShape is null, key);
                    globalShape = JsonText.Numbers(ref reader, Layout.MaxDimensions, LayoutFault.PlacementMalformed, name);
                    break;
                case "offsets":
                    JsonText.Unique(offsets is null, key);
                    offsets = JsonText.Numbers(ref reader, Layout.MaxDimensions, LayoutFault.PlacementMalformed, name);
                    break;
                case "replicas":
                    JsonText.Unique(replicas is null, key);
                    replicas = ReadReplicas(ref reader, name);
                    break;
                case "stored":
                    JsonText.Unique(stored is null, key);
                    Expect(reader.TokenType is JsonTokenType.True or JsonTokenType.False, name);
                    stored = reader.GetBoolean();
                    break;
                default:
                    throw new FormatFaultException(LayoutFault.PlacementMalformed, $"Tensor '{name}' has the unknown key '{key}'.");
            }
        }

        Expect(globalShape is not null && offsets is not null, name);
        return tensor with
        {
            Placement = new Placement { GlobalShape = globalShape!, Offsets = offsets!, Replicas = replicas },
            Stored = stored ?? true,
        };
    }

    private static Rank[] ReadReplicas(ref Utf8JsonReader reader, string name)
    {
        JsonText.Expect(reader.TokenType == JsonTokenType.StartArray, LayoutFault.ReplicasInvalid, name);
        var replicas = new List<Rank>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            // Strictly ascending ranks up to Rank.MaxValue bound the list by themselves.
            var number = 0;
            JsonText.Expect(
                reader.TokenType == JsonTokenType.Number
                && reader.TryGetInt32(out number)
                && number is >= Rank.MinValue and <= Rank.MaxValue
                && (replicas.Count == 0 || replicas[^1].Value < number),
                LayoutFault.ReplicasInvalid,
                name);
            replicas.Add(new Rank(number));
        }

        JsonText.Expect(replicas.Count > 0, LayoutFault.ReplicasInvalid, name);
        return [.. replicas];
    }

    private static void Expect(bool condition, string tensor) =>
        JsonText.Expect(condition, LayoutFault.PlacementMalformed, tensor);
}
