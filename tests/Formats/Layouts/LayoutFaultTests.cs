using System.Text;
using System.Text.Json;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Tests.Samples;

namespace Checkpointer.Formats.Tests.Layouts;

public sealed class LayoutFaultTests
{
    private const string Tensor = """{"dtype":"F32","shape":[2],"data_offsets":[0,8]}""";

    [Theory]
    [InlineData(LayoutFault.NotJson, "")]
    [InlineData(LayoutFault.NotJson, "[]")]
    [InlineData(LayoutFault.NotJson, " {}")]
    [InlineData(LayoutFault.NotJson, "{")]
    [InlineData(LayoutFault.NotJson, "{}{}")]
    [InlineData(LayoutFault.TensorMalformed, """{"a":{"b":{"c":{"d":{"e":{"f":{"g":{"h":{}}}}}}}}}""")]
    [InlineData(LayoutFault.NotUtf8, """{"\ud800":{}}""")]
    [InlineData(LayoutFault.NameInvalid, """{"":{}}""")]
    [InlineData(LayoutFault.NameInvalid, """{"a\u0000b":{}}""")]
    [InlineData(LayoutFault.NameInvalid, """{"a\u0085b":{}}""")]
    [InlineData(LayoutFault.DuplicateKey, "{\"a\":" + Tensor + ",\"\\u0061\":" + Tensor + "}")]
    [InlineData(LayoutFault.DuplicateKey, """{"__metadata__":{},"__metadata__":{}}""")]
    [InlineData(LayoutFault.DuplicateKey, """{"__metadata__":{"k":"1","k":"2"}}""")]
    [InlineData(LayoutFault.DuplicateKey, """{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}""")]
    [InlineData(LayoutFault.TensorMalformed, """{"a":1}""")]
    [InlineData(LayoutFault.TensorMalformed, """{"a":{"dtype":"F32","shape":[2]}}""")]
    [InlineData(LayoutFault.TensorMalformed, """{"a":{"more":1,"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""")]
    [InlineData(LayoutFault.TensorMalformed, """{"a":{"dtype":7,"shape":[2],"data_offsets":[0,8]}}""")]
    [InlineData(LayoutFault.DTypeUnknown, """{"a":{"dtype":"f32","shape":[2],"data_offsets":[0,8]}}""")]
    [InlineData(LayoutFault.ShapeInvalid, """{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""")]
    [InlineData(LayoutFault.ShapeInvalid, """{"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}""")]
    [InlineData(LayoutFault.ShapeInvalid, """{"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}""")]
    [InlineData(LayoutFault.ShapeInvalid, """{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}""")]
    [InlineData(LayoutFault.ShapeInvalid, """{"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}}""")]
    [InlineData(LayoutFault.ShapeOverflow, """{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""")]
    [InlineData(LayoutFault.ShapeOverflow, """{"a":{"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}}""")]
    [InlineData(LayoutFault.OffsetsInvalid, """{"a":{"dtype":"F32","shape":[2],"data_offsets":[8]}}""")]
    [InlineData(LayoutFault.OffsetsInvalid, """{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""")]
    [InlineData(LayoutFault.OffsetsInvalid, """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}""")]
    [InlineData(LayoutFault.SizeMismatch, """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}}""")]
    [InlineData(LayoutFault.SizeMismatch, """{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,4]}}""")]
    [InlineData(LayoutFault.Hole, """{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""")]
    [InlineData(LayoutFault.Hole, "{\"a\":" + Tensor + ""","b":{"dtype":"U8","shape":[1],"data_offsets":[9,10]}}""")]
    [InlineData(LayoutFault.Hole, """{"a":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}}""")]
    [InlineData(LayoutFault.Overlap, "{\"a\":" + Tensor + ""","b":{"dtype":"U8","shape":[1],"data_offsets":[7,8]}}""")]
    [InlineData(LayoutFault.Overlap, "{\"a\":" + Tensor + ",\"b\":" + Tensor + "}")]
    [InlineData(LayoutFault.ImageTooLarge, """{"a":{"dtype":"U8","shape":[4398046511105],"data_offsets":[0,4398046511105]}}""")]
    [InlineData(LayoutFault.MetadataMalformed, """{"__metadata__":[]}""")]
    [InlineData(LayoutFault.MetadataMalformed, """{"__metadata__":{"k":1}}""")]
    public void Parse_FaultyHeader_NamesTheFault(LayoutFault fault, string json) =>
        Faults.Expect(fault, () => Layout.Parse(Encoding.UTF8.GetBytes(json)));

    [Theory]
    [InlineData(LayoutFault.PlacementMalformed, "")]
    [InlineData(LayoutFault.PlacementMalformed, "nonsense")]
    [InlineData(LayoutFault.PlacementMalformed, "[]")]
    [InlineData(LayoutFault.PlacementMalformed, """{"version":1}""")]
    [InlineData(LayoutFault.PlacementMalformed, """{"version":1,"placements":{},"more":1}""")]
    [InlineData(LayoutFault.PlacementMalformed, """{"version":1,"placements":[]}""")]
    [InlineData(LayoutFault.PlacementMalformed, """{"version":1,"placements":{"a":{"offsets":[0]}}}""")]
    [InlineData(LayoutFault.PlacementMalformed, """{"version":1,"placements":{"a":{"global_shape":[4],"offsets":[-1]}}}""")]
    [InlineData(LayoutFault.PlacementMalformed, """{"version":1,"placements":{"a":{"global_shape":[4],"offsets":[0],"stored":1}}}""")]
    [InlineData(LayoutFault.PlacementMalformed, """{"version":1,"placements":{"a":{"global_shape":[4],"offsets":[0],"x":1}}}""")]
    [InlineData(LayoutFault.PlacementVersionUnknown, """{"placements":{}}""")]
    [InlineData(LayoutFault.PlacementVersionUnknown, """{"version":2,"placements":{}}""")]
    [InlineData(LayoutFault.PlacementVersionUnknown, """{"version":"1","placements":{}}""")]
    [InlineData(LayoutFault.PlacementOfUnknownTensor, """{"version":1,"placements":{"b":{}}}""")]
    [InlineData(LayoutFault.DuplicateKey, """{"version":1,"version":1,"placements":{}}""")]
    [InlineData(LayoutFault.DuplicateKey, """{"version":1,"placements":{"a":{"offsets":[0],"offsets":[0]}}}""")]
    [InlineData(LayoutFault.PlacementDimensionsMismatch, """{"version":1,"placements":{"a":{"global_shape":[4,4],"offsets":[0]}}}""")]
    [InlineData(LayoutFault.PlacementDimensionsMismatch, """{"version":1,"placements":{"a":{"global_shape":[4],"offsets":[]}}}""")]
    [InlineData(LayoutFault.PlacementOutOfBounds, """{"version":1,"placements":{"a":{"global_shape":[4],"offsets":[3]}}}""")]
    [InlineData(LayoutFault.PlacementOutOfBounds, """{"version":1,"placements":{"a":{"global_shape":[4],"offsets":[9223372036854775807]}}}""")]
    [InlineData(LayoutFault.PlacementOverflow, """{"version":1,"placements":{"a":{"global_shape":[9223372036854775807],"offsets":[0]}}}""")]
    [InlineData(LayoutFault.ReplicasInvalid, """{"version":1,"placements":{"a":{"global_shape":[4],"offsets":[0],"replicas":[]}}}""")]
    [InlineData(LayoutFault.ReplicasInvalid, """{"version":1,"placements":{"a":{"global_shape":[4],"offsets":[0],"replicas":[1,0]}}}""")]
    [InlineData(LayoutFault.ReplicasInvalid, """{"version":1,"placements":{"a":{"global_shape":[4],"offsets":[0],"replicas":[1,1]}}}""")]
    [InlineData(LayoutFault.ReplicasInvalid, """{"version":1,"placements":{"a":{"global_shape":[4],"offsets":[0],"replicas":[1000000]}}}""")]
    [InlineData(LayoutFault.ReplicasInvalid, """{"version":1,"placements":{"a":{"global_shape":[4],"offsets":[0],"replicas":"all"}}}""")]
    [InlineData(LayoutFault.NotStoredWithoutReplica, """{"version":1,"placements":{"a":{"global_shape":[4],"offsets":[0],"stored":false}}}""")]
    [InlineData(LayoutFault.NotStoredWithoutReplica, """{"version":1,"placements":{"a":{"global_shape":[4],"offsets":[0],"replicas":[0],"stored":false}}}""")]
    public void Parse_FaultyPlacements_NameTheFault(LayoutFault fault, string placements) =>
        Faults.Expect(fault, () => Layout.Parse(WithPlacements(placements)));

    [Fact]
    public void Parse_StoredBehindNotStored_NamesTheFault() => Faults.Expect(
        LayoutFault.StoredAfterNotStored,
        () => Layout.Parse(LayoutWriter.Write(
        [
            new TensorEntry
            {
                Name = "first", DType = DType.U8, Shape = [4], Begin = 0, End = 4, Stored = false,
                Placement = new Placement { GlobalShape = [4], Offsets = [0], Replicas = Sample.Ranks(0, 1) },
            },
            new TensorEntry { Name = "second", DType = DType.U8, Shape = [4], Begin = 4, End = 8 },
        ])));

    [Fact]
    public void Parse_BrokenUtf8_NamesTheFault() =>
        Faults.Expect(LayoutFault.NotUtf8, () => Layout.Parse([(byte)'{', (byte)'"', 0xc3, (byte)'"', (byte)'}']));

    [Fact]
    public void Parse_LargestAndOneMore_OnlyTheFirstIsRead()
    {
        var bytes = new byte[Layout.MaxBytes + 1];
        Array.Fill(bytes, (byte)' ');
        "{}"u8.CopyTo(bytes);
        Assert.Equal(0, Layout.Parse(bytes.AsSpan(0, Layout.MaxBytes)).ImageBytes);
        Faults.Expect(LayoutFault.TooLarge, () => Layout.Parse(bytes));
    }

    [Fact]
    public void Parse_LongestNameAndOneMore_OnlyTheFirstIsRead()
    {
        Assert.Single(Layout.Parse(Named(new string('é', 512))).Tensors);
        Faults.Expect(LayoutFault.NameInvalid, () => Layout.Parse(Named(new string('é', 512) + "x")));

        static byte[] Named(string name) =>
            Encoding.UTF8.GetBytes("{\"" + name + "\":" + """{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}""");
    }

    [Fact]
    public void Parse_MostTensorsAndOneMore_OnlyTheFirstIsRead()
    {
        Assert.Equal(Layout.MaxTensors, Layout.Parse(Many(Layout.MaxTensors)).Tensors.Count);
        Faults.Expect(LayoutFault.TooManyTensors, () => Layout.Parse(Many(Layout.MaxTensors + 1)));

        static byte[] Many(int count)
        {
            var json = new StringBuilder("{");
            for (var i = 0; i < count; i++)
            {
                json.Append(i == 0 ? "" : ",").Append('"').Append(i)
                    .Append("\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}");
            }

            return Encoding.UTF8.GetBytes(json.Append('}').ToString());
        }
    }

    internal static byte[] WithPlacements(string placements) => Encoding.UTF8.GetBytes(
        "{\"__metadata__\":{\"checkpointer\":" + JsonSerializer.Serialize(placements) + "},\"a\":" + Tensor + "}");
}
