using System.Buffers.Binary;
using System.IO.Hashing;
using Checkpointer.Formats.Chunks;
using CsCheck;

namespace Checkpointer.Formats.Tests.Chunks;

public sealed class ChunkTests
{
    [Fact]
    public void Compute_Empty_IsThePublishedValue() =>
        Assert.Equal("99aa06d3014798d86001c324468d497f", ChunkHash.Compute([]).ToString());

    [Fact]
    public void Hash_AnyBytes_SurvivesTextAndBytes() => Gen.Byte.Array[0, 600].Sample(bytes =>
    {
        var hash = ChunkHash.Compute(bytes);
        var canonical = new byte[ChunkHash.SizeBytes];
        hash.WriteTo(canonical);
        return canonical.SequenceEqual(XxHash128.Hash(bytes))
            && ChunkHash.ReadFrom(canonical) == hash
            && ChunkHash.Parse(hash.ToString()) == hash
            && hash.ToString() == Convert.ToHexStringLower(canonical);
    });

    [Theory]
    [InlineData("")]
    [InlineData("99AA06D3014798D86001C324468D497F")]
    [InlineData("99aa06d3014798d86001c324468d497")]
    [InlineData("99aa06d3014798d86001c324468d497g")]
    [InlineData(" 9aa06d3014798d86001c324468d497f")]
    public void Parse_NotLowerHex_IsRefused(string text)
    {
        Assert.False(ChunkHash.TryParse(text, null, out _));
        Assert.Throws<FormatException>(() => ChunkHash.Parse(text));
    }

    [Fact]
    public void Geometry_AnyLengths_TilesTheImage() =>
        Gen.Select(Gen.Long[0, 3000], Gen.Int[1, 500]).Sample((imageBytes, chunkBytes) =>
        {
            var geometry = new ChunkGeometry(imageBytes, chunkBytes);
            long end = 0;
            for (var i = 0; i < geometry.Count; i++)
            {
                Assert.Equal(end, geometry.OffsetOf(i));
                Assert.InRange(geometry.LengthOf(i), 1, chunkBytes);
                end += geometry.LengthOf(i);
            }

            Assert.Equal(imageBytes, end);
            Assert.Equal(geometry.Count, geometry.CountIn(imageBytes));
            Assert.Equal(0, geometry.CountIn(0));
        });

    [Fact]
    public void Geometry_Limits_HoldAtTheEdge()
    {
        Assert.Equal(ChunkGeometry.MaxChunks, new ChunkGeometry(ChunkGeometry.MaxChunks, 1).Count);
        Assert.Throws<ArgumentOutOfRangeException>(() => new ChunkGeometry(ChunkGeometry.MaxChunks + 1L, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ChunkGeometry(1, ChunkGeometry.MaxChunkBytes + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ChunkGeometry(-1, 1));
        Assert.True(ChunkGeometry.IsValid(Formats.Layouts.Layout.MaxImageBytes, ChunkGeometry.DefaultChunkBytes));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ChunkGeometry(10, 4).OffsetOf(3));
    }

    [Fact]
    public void Root_AnyHashes_IsTheHashOfLengthsAndHashes() => Gen.Int[0, 200].Sample(count =>
    {
        var hashes = Enumerable.Range(0, count).Select(i => ChunkHash.Compute([(byte)i])).ToArray();
        var bytes = new byte[12 + (16 * count)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, count * 7L);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), 7);
        for (var i = 0; i < count; i++)
        {
            hashes[i].WriteTo(bytes.AsSpan(12 + (16 * i)));
        }

        return RootHash.Compute(count * 7L, 7, hashes) == ChunkHash.Compute(bytes);
    });
}
