using System.Buffers.Binary;
using System.IO.Hashing;
using System.Security.Cryptography;
using Checkpointer.Formats.Tests.Samples;

namespace Checkpointer.Formats.Tests.Golden;

/// <summary>
/// Reads the golden files with nothing but formats/SPEC.md: every offset below is copied from that page, none from the
/// code. If one of the two changes without the other, this fails.
/// </summary>
public sealed class StrangerTests
{
    [Fact]
    public void Specification_GoldenShard_GivesTheStoredPrefixOfTheImage()
    {
        var index = GoldenTests.Read("shard.v1.index");
        Assert.Equal("CKPTINDX"u8, index.AsSpan(0, 8));
        Assert.Equal(1u, U32(index, 8));
        Assert.Equal((uint)index.Length, U32(index, 12));
        Assert.Equal(XxHash128.Hash(index.AsSpan(0, index.Length - 16)), index[^16..]);
        Assert.Equal((40ul, 2u, 1u, 2u), (U64(index, 16), U32(index, 24), U32(index, 28), U32(index, 32)));
        Assert.Equal(SHA256.HashData(GoldenTests.Read("layout.v1.json")), index[56..88]);

        var (chunkBytes, imageBytes, storedBytes) = (U32(index, 36), U64(index, 40), U64(index, 48));
        var (packs, chunks, extraBytes) = (U32(index, 104), U32(index, 108), U32(index, 112));
        Assert.Equal((imageBytes + chunkBytes - 1) / chunkBytes, chunks);
        Assert.Equal((uint)index.Length, 128 + (32 * packs) + (32 * chunks) + extraBytes + 16);

        var image = new MemoryStream();
        var rooted = new MemoryStream();
        rooted.Write(index, 40, 8);
        rooted.Write(index, 36, 4);
        for (var i = 0; i < chunks; i++)
        {
            var chunk = index.AsSpan((int)(128 + (32 * packs) + (32 * i)), 32).ToArray();
            rooted.Write(chunk, 0, 16);
            if (chunk[28] == 255)
            {
                Assert.True((ulong)i * chunkBytes >= storedBytes);
                Assert.All(chunk[16..28], value => Assert.Equal(0, value));
                continue;
            }

            Assert.Equal(0, chunk[28]);
            var bytes = ReadChunk(index.AsSpan(128 + (32 * (int)U32(chunk, 16)), 32).ToArray(), chunk);
            Assert.Equal(XxHash128.Hash(bytes), chunk[..16]);
            image.Write(bytes);
        }

        Assert.Equal(XxHash128.Hash(rooted.ToArray()), index[88..104]);
        Assert.Equal("28d5794f3272561ab3e87dc79866535e", Convert.ToHexStringLower(index[88..104]));
        Assert.Equal(Sample.Image.AsSpan(0, (int)storedBytes), image.ToArray().AsSpan(0, (int)storedBytes));
        Assert.Equal("""{"data_cursor":{"epoch":3,"sample":1048576}}"""u8, index.AsSpan(index.Length - 16 - (int)extraBytes, (int)extraBytes));
    }

    [Theory]
    [InlineData("pack-0.v1.pack")]
    [InlineData("pack-last.v1.pack")]
    public void Specification_GoldenPack_GivesItsChunks(string name)
    {
        var pack = GoldenTests.Read(name);
        Assert.Equal("CKPTPACK"u8, pack.AsSpan(0, 8));
        var (headerBytes, entries, payloadBytes) = ((int)U32(pack, 12), (int)U32(pack, 36), (int)U64(pack, 40));
        Assert.Equal((1u, 64 + (32 * entries) + 16, pack.Length), (U32(pack, 8), headerBytes, headerBytes + payloadBytes));
        Assert.Equal((40ul, 2u, 1u), (U64(pack, 16), U32(pack, 24), U32(pack, 28)));
        Assert.Equal(XxHash128.Hash(pack.AsSpan(0, headerBytes - 16)), pack[(headerBytes - 16)..headerBytes]);
        var at = headerBytes;
        for (var i = 0; i < entries; i++)
        {
            var entry = pack.AsSpan(64 + (32 * i), 32).ToArray();
            var length = (int)U32(entry, 12);
            Assert.Equal((0, (int)U32(entry, 8)), (entry[4], length));
            Assert.Equal(XxHash128.Hash(pack.AsSpan(at, length)), entry[16..]);
            Assert.Equal(Sample.Image.AsSpan((int)U32(entry, 0) * Sample.ChunkBytes, length), pack.AsSpan(at, length));
            at += length;
        }

        Assert.Equal(pack.Length, at);
    }

    private static byte[] ReadChunk(byte[] reference, byte[] chunk)
    {
        var (offset, length) = ((int)U32(chunk, 20), (int)U32(chunk, 24));
        var (step, number) = (U64(reference, 0), U32(reference, 16));
        if (step == 30)
        {
            // The older checkpoint's pack is not among the golden files; its one chunk is chunk 1.
            return Sample.ChunkOf(1).ToArray();
        }

        var pack = GoldenTests.Read(number == 0 ? "pack-0.v1.pack" : "pack-last.v1.pack");
        Assert.Equal((ulong)pack.Length, U64(reference, 24));
        return pack[offset..(offset + length)];
    }

    private static uint U32(byte[] bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));

    private static ulong U64(byte[] bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
}
