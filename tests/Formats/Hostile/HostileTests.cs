using System.Buffers.Binary;
using System.Text;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Indices;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Manifests;
using Checkpointer.Formats.Packs;
using Checkpointer.Formats.Tests.Golden;
using Checkpointer.Formats.Tests.Samples;

namespace Checkpointer.Formats.Tests.Hostile;

/// <summary>Bytes made to hurt a reader: each must be a named fault, quickly, without memory beyond what was sent.</summary>
public sealed class HostileTests
{
    private const long FewBytes = 64 * 1024;

    public static TheoryData<string> Parsers => ["layout", "pack", "index", "manifest"];

    [Theory]
    [MemberData(nameof(Parsers))]
    public void Parse_UniformBytes_IsAFaultWithoutAllocating(string parser)
    {
        foreach (var fill in new byte[] { 0x00, 0xff, (byte)'{', (byte)'[', (byte)'"', (byte)' ', 0x80 })
        {
            var bytes = new byte[1 << 20];
            Array.Fill(bytes, fill);
            AssertCheapFault(parser, bytes);
        }
    }

    [Theory]
    [MemberData(nameof(Parsers))]
    public void Parse_FilesOfTheOtherFormats_IsAFault(string parser)
    {
        foreach (var name in new[] { "layout.v1.json", "pack-0.v1.pack", "shard.v1.index", "manifest.v1.json" }
            .Where(name => !name.Contains(parser, StringComparison.Ordinal)))
        {
            AssertCheapFault(parser, GoldenTests.Read(name));
        }
    }

    [Theory]
    [InlineData("pack", 36, PackHeader.MaxEntries, 12, 64 + (32 * PackHeader.MaxEntries) + 16)]
    [InlineData("index", 104, ShardIndex.MaxPacks, 12, int.MaxValue)]
    [InlineData("index", 108, ChunkGeometry.MaxChunks, 12, int.MaxValue)]
    public void Parse_CountsOfMuchMoreThanWasSent_IsAFaultWithoutAllocating(
        string parser, int countAt, int count, int lengthAt, int length)
    {
        var bytes = parser == "pack" ? Sample.Packs[0].Encode() : Sample.Index.Encode();
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(countAt), count);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(lengthAt), length);
        ChunkHash.Compute(bytes.AsSpan(0, bytes.Length - 16)).WriteTo(bytes.AsSpan(bytes.Length - 16));
        AssertCheapFault(parser, bytes);
    }

    [Fact]
    public void Parse_IndexOfTheLargestStatedLengthButCutOff_IsTruncatedWithoutAllocating()
    {
        var bytes = Sample.Index.Encode();
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(104), ShardIndex.MaxPacks);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(108), ChunkGeometry.MaxChunks);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(112), ShardIndex.MaxExtraBytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), ShardIndex.MaxBytes);
        Faults.Expect(IndexFault.Truncated, () => ShardIndex.Parse(bytes));
        AssertCheapFault("index", bytes);
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":""")]
    [InlineData("""{"__metadata__":{"checkpointer":""")]
    [InlineData("")]
    public void Parse_DeepNesting_IsAFault(string start)
    {
        var bytes = Encoding.UTF8.GetBytes(start + new string('[', 1_000_000));
        AssertCheapFault("layout", bytes);
        AssertCheapFault("manifest", bytes);
    }

    [Fact]
    public void Parse_ManifestOfDeepNesting_IsNotJson() => Faults.Expect(
        ManifestFault.NotJson,
        () => Manifest.Parse(Encoding.UTF8.GetBytes("{\"a\":" + new string('[', 500) + new string(']', 500) + "}")));

    private static void AssertCheapFault(string parser, byte[] bytes)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.False(Faults.Parses(() => Parse(parser, bytes)));
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < FewBytes, $"{parser} allocated {allocated} bytes for {bytes.Length}.");
    }

    private static object Parse(string parser, byte[] bytes) => parser switch
    {
        "layout" => Layout.Parse(bytes),
        "pack" => PackHeader.Parse(bytes),
        "index" => ShardIndex.Parse(bytes),
        _ => Manifest.Parse(bytes),
    };
}
