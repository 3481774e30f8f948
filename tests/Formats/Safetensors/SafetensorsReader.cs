using System.Buffers.Binary;
using System.Text.Json;

namespace Checkpointer.Formats.Tests.Safetensors;

/// <summary>
/// A reader of .safetensors files, written from that format's public description alone and sharing nothing with the code
/// under test: 8 bytes of little-endian header length, a JSON object starting with '{' that may end in spaces, then the
/// data, which the tensors' offsets must cover without holes or overlaps.
/// </summary>
internal static class SafetensorsReader
{
    private static readonly Dictionary<string, int> Sizes = new()
    {
        ["BOOL"] = 1,
        ["U8"] = 1,
        ["I8"] = 1,
        ["F8_E4M3"] = 1,
        ["F8_E5M2"] = 1,
        ["I16"] = 2,
        ["U16"] = 2,
        ["F16"] = 2,
        ["BF16"] = 2,
        ["I32"] = 4,
        ["U32"] = 4,
        ["F32"] = 4,
        ["F64"] = 8,
        ["I64"] = 8,
        ["U64"] = 8,
    };

    public static Dictionary<string, (string Type, long[] Shape, byte[] Data)> Read(byte[] file)
    {
        var headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(file);
        Assert.InRange(headerBytes, 2UL, 100_000_000UL);
        var header = file.AsMemory(8, (int)headerBytes);
        Assert.Equal((byte)'{', header.Span[0]);
        var data = file.AsSpan(8 + (int)headerBytes);
        using var json = JsonDocument.Parse(header);
        var tensors = new Dictionary<string, (string, long[], byte[])>();
        var ranges = new List<(long Begin, long End)>();
        foreach (var property in json.RootElement.EnumerateObject())
        {
            if (property.Name == "__metadata__")
            {
                Assert.All(property.Value.EnumerateObject(), pair => Assert.Equal(JsonValueKind.String, pair.Value.ValueKind));
                continue;
            }

            var type = property.Value.GetProperty("dtype").GetString()!;
            long[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(dimension => dimension.GetInt64())];
            var (begin, end) = (property.Value.GetProperty("data_offsets")[0].GetInt64(), property.Value.GetProperty("data_offsets")[1].GetInt64());
            Assert.Equal(shape.Aggregate((long)Sizes[type], (product, dimension) => product * dimension), end - begin);
            tensors.Add(property.Name, (type, shape, data[(int)begin..(int)end].ToArray()));
            ranges.Add((begin, end));
        }

        long expected = 0;
        foreach (var (begin, end) in ranges.Order())
        {
            Assert.Equal(expected, begin);
            expected = end;
        }

        Assert.Equal(expected, data.Length);
        return tensors;
    }
}
