using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Formats.Layouts;

/// <summary>Turns the JSON of a layout into tensors; everything that one tensor alone can get wrong is checked here.</summary>
internal static class LayoutReader
{
    private const string MetadataKey = "__metadata__";

    /// <summary>Reads the tensors, in the order of the header.</summary>
    public static TensorEntry[] Read(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > Layout.MaxBytes)
        {
            throw new FormatFaultException(LayoutFault.TooLarge, $"{utf8.Length} bytes are more than {Layout.MaxBytes}.");
        }

        if (utf8.IsEmpty || utf8[0] != (byte)'{')
        {
            throw new FormatFaultException(LayoutFault.NotJson, "The first byte is not '{'.");
        }

        if (!Utf8.IsValid(utf8))
        {
            throw new FormatFaultException(LayoutFault.NotUtf8, "The bytes are not UTF-8.");
        }

        try
        {
            return ReadHeader(utf8);
        }
        catch (JsonException e)
        {
            throw new FormatFaultException(
                LayoutFault.NotJson, string.Create(CultureInfo.InvariantCulture, $"Byte {e.BytePositionInLine} of line {e.LineNumber}."));
        }
    }

    private static TensorEntry[] ReadHeader(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = 8 });
        reader.Read();
        var tensors = new Dictionary<string, TensorEntry>(StringComparer.Ordinal);
        string? placements = null;
        var hasMetadata = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = JsonText.Get(ref reader);
            reader.Read();
            if (name == MetadataKey)
            {
                JsonText.Unique(!hasMetadata, name);
                hasMetadata = true;
                placements = ReadMetadata(ref reader);
                continue;
            }

            if (tensors.Count == Layout.MaxTensors)
            {
                throw new FormatFaultException(LayoutFault.TooManyTensors, $"More than {Layout.MaxTensors} tensors.");
            }

            CheckName(name);
            JsonText.Unique(tensors.TryAdd(name, ReadTensor(ref reader, name)), name);
        }

        reader.Read();
        if (placements is not null)
        {
            PlacementReader.Apply(placements, tensors);
        }

        return [.. tensors.Values];
    }

    private static string? ReadMetadata(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new FormatFaultException(LayoutFault.MetadataMalformed, "__metadata__ is no object.");
        }

        string? placements = null;
        var keys = new HashSet<string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = JsonText.Get(ref reader);
            JsonText.Unique(keys.Add(key), key);
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
            {
                throw new FormatFaultException(LayoutFault.MetadataMalformed, "A value in __metadata__ is no string.");
            }

            var value = JsonText.Get(ref reader);
            placements = key == PlacementReader.MetadataName ? value : placements;
        }

        return placements;
    }

    private static TensorEntry ReadTensor(ref Utf8JsonReader reader, string name)
    {
        JsonText.Expect(reader.TokenType == JsonTokenType.StartObject, LayoutFault.TensorMalformed, name);
        DType? type = null;
        long[]? shape = null;
        long[]? offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = JsonText.Get(ref reader);
            reader.Read();
            switch (key)
            {
                case "dtype":
                    JsonText.Unique(type is null, key);
                    type = ReadDType(ref reader, name);
                    break;
                case "shape":
                    JsonText.Unique(shape is null, key);
                    shape = JsonText.Numbers(ref reader, Layout.MaxDimensions, LayoutFault.ShapeInvalid, name);
                    break;
                case "data_offsets":
                    JsonText.Unique(offsets is null, key);
                    offsets = JsonText.Numbers(ref reader, 2, LayoutFault.OffsetsInvalid, name);
                    break;
                default:
                    throw new FormatFaultException(LayoutFault.TensorMalformed, $"Tensor '{name}' has the unknown key '{key}'.");
            }
        }

        JsonText.Expect(type is not null && shape is not null && offsets is not null, LayoutFault.TensorMalformed, name);
        JsonText.Expect(offsets!.Length == 2 && offsets[0] <= offsets[1], LayoutFault.OffsetsInvalid, name);
        return new TensorEntry { Name = name, DType = type!.Value, Shape = shape!, Begin = offsets[0], End = offsets[1] };
    }

    private static DType ReadDType(ref Utf8JsonReader reader, string name)
    {
        JsonText.Expect(reader.TokenType == JsonTokenType.String, LayoutFault.TensorMalformed, name);
        JsonText.Expect(DTypes.TryParse(JsonText.Get(ref reader), out var type), LayoutFault.DTypeUnknown, name);
        return type;
    }

    private static void CheckName(string name)
    {
        if (name.Length == 0 || Encoding.UTF8.GetByteCount(name) > Layout.MaxNameBytes || name.Any(char.IsControl))
        {
            throw new FormatFaultException(
                LayoutFault.NameInvalid, $"A name has 1 to {Layout.MaxNameBytes} bytes of UTF-8 and no control characters.");
        }
    }
}
