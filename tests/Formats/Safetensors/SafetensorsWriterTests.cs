using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Safetensors;
using Checkpointer.Formats.Tests.Golden;
using Checkpointer.Formats.Tests.Samples;

namespace Checkpointer.Formats.Tests.Safetensors;

public sealed class SafetensorsWriterTests
{
    [Fact]
    public void WriteHeader_GoldenShard_OpensInAnotherReader()
    {
        var layout = Layout.Parse(GoldenTests.Read("layout.v1.json"));
        var chunks = Enumerable.Range(0, Sample.Geometry.Count).SelectMany(i => Sample.ChunkOf(i).ToArray());
        AssertSame(layout, layout.Tensors, SafetensorsReader.Read([.. SafetensorsWriter.WriteHeader(layout), .. chunks]));
    }

    [Fact]
    public void WriteStoredHeader_GoldenShard_HoldsTheStoredTensorsOnly()
    {
        var layout = Sample.Layout;
        byte[] file = [.. SafetensorsWriter.WriteStoredHeader(layout), .. Sample.Image.AsSpan(0, (int)layout.StoredBytes)];
        var tensors = SafetensorsReader.Read(file);
        Assert.DoesNotContain("norm.é", tensors.Keys);
        AssertSame(layout, layout.Tensors.Where(tensor => tensor.Stored), tensors);
    }

    [Fact]
    public void WriteHeader_AnyLayout_AlignsTheData()
    {
        for (var length = 1; length < 20; length++)
        {
            var layout = new LayoutBuilder().Add(new string('n', length), DType.U8, [3]).Build();
            Assert.Equal(0, SafetensorsWriter.WriteHeader(layout).Length % 8);
        }
    }

    private static void AssertSame(
        Layout layout, IEnumerable<TensorEntry> expected, Dictionary<string, (string Type, long[] Shape, byte[] Data)> read)
    {
        Assert.Equal(Sample.Image.Length, layout.ImageBytes);
        Assert.Equal(expected.Count(), read.Count);
        foreach (var tensor in expected)
        {
            var (type, shape, data) = read[tensor.Name];
            Assert.Equal(tensor.DType.SafetensorsName(), type);
            Assert.Equal(tensor.Shape, shape);
            Assert.Equal(Sample.Image[(int)tensor.Begin..(int)tensor.End], data);
        }
    }
}
