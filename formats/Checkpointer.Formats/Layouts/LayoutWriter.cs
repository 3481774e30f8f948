using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Checkpointer.Formats.Layouts;

/// <summary>Writes layouts: what <see cref="Layout.Parse"/> reads.</summary>
public static class LayoutWriter
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// The layout of these tensors, in their order. Checks nothing: parse the result. Placements, if any tensor has one,
    /// go first, into <c>__metadata__</c>.
    /// </summary>
    public static byte[] Write(IReadOnlyCollection<TensorEntry> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, Options);
        json.WriteStartObject();
        var placed = tensors.Where(tensor => tensor.Placement is not null).ToList();
        if (placed.Count > 0)
        {
            json.WriteStartObject("__metadata__");
            json.WriteString(PlacementReader.MetadataName, WritePlacements(placed));
            json.WriteEndObject();
        }

        foreach (var tensor in tensors)
        {
            json.WriteStartObject(tensor.Name);
            json.WriteString("dtype", tensor.DType.SafetensorsName());
            WriteNumbers(json, "shape", tensor.Shape);
            WriteNumbers(json, "data_offsets", [tensor.Begin, tensor.End]);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static ReadOnlySpan<byte> WritePlacements(List<TensorEntry> placed)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, Options);
        json.WriteStartObject();
        json.WriteNumber("version", PlacementReader.Version);
        json.WriteStartObject("placements");
        foreach (var tensor in placed)
        {
            json.WriteStartObject(tensor.Name);
            WriteNumbers(json, "global_shape", tensor.Placement!.GlobalShape);
            WriteNumbers(json, "offsets", tensor.Placement.Offsets);
            if (tensor.Placement.Replicas is { } replicas)
            {
                WriteNumbers(json, "replicas", replicas.Select(rank => (long)rank.Value));
            }

            json.WriteBoolean("stored", tensor.Stored);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan;
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, IEnumerable<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (var number in numbers)
        {
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
    }
}
