using System.Buffers.Binary;
using System.Text;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Codecs;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Indices;
using Checkpointer.Formats.Tests.Samples;
using CsCheck;

namespace Checkpointer.Formats.Tests.Indices;

public sealed class IndexTests
{
    private const int PacksAt = 128;
    private static readonly int ChunksAt = PacksAt + (32 * Sample.Index.Packs.Count);

    [Fact]
    public void EncodeThenParse_Sample_GivesTheSameBytes() =>
        Assert.Equal(Sample.Index.Encode(), ShardIndex.Parse(Sample.Index.Encode()).Encode());

    [Fact]
    public void EncodeThenParse_EmptyImage_GivesTheSameBytes()
    {
        var empty = Sample.Index with
        {
            ImageBytes = 0,
            StoredBytes = 0,
            Packs = [],
            Chunks = [],
            Extra = default,
            Root = RootHash.Compute(0, Sample.ChunkBytes, []),
        };
        Assert.Equal(empty.Encode(), ShardIndex.Parse(empty.Encode()).Encode());
    }

    [Fact]
    public void EncodeThenParse_AnyImage_GivesTheSameBytes() =>
        Gen.Select(Gen.Int[0, 2000], Gen.Int[0, 2000], Gen.Int[1, 200]).Sample((first, second, chunkBytes) =>
        {
            var index = MakeIndex(Math.Max(first, second), Math.Min(first, second), chunkBytes);
            var bytes = index.Encode();
            var again = ShardIndex.Parse(bytes);
            return again.Encode().SequenceEqual(bytes) && again.Chunks.SequenceEqual(index.Chunks) && again.Packs.SequenceEqual(index.Packs);
        });

    [Fact]
    public void Parse_AnyByteChanged_IsAFault() =>
        Gen.Select(Gen.Int[0, int.MaxValue], Gen.Byte[1, 255]).Sample((at, flip) =>
        {
            var bytes = Sample.Index.Encode();
            bytes[at % bytes.Length] ^= flip;
            Assert.False(Faults.Parses(() => ShardIndex.Parse(bytes)));
        }, iter: 2000);

    [Fact]
    public void Parse_AnyByteChangedAndRehashed_IsAFaultOrTheSameBytesAgain() =>
        Gen.Select(Gen.Int[0, int.MaxValue], Gen.Byte[1, 255]).Sample((at, flip) =>
        {
            var bytes = Rehash(bytes => bytes[at % (bytes.Length - 16)] ^= flip);
            if (Faults.Parses(() => ShardIndex.Parse(bytes)))
            {
                Assert.Equal(bytes, ShardIndex.Parse(bytes).Encode());
            }
        }, iter: 3000);

    [Fact]
    public void Parse_AnyPrefixOrMore_IsAFault()
    {
        var bytes = Sample.Index.Encode();
        for (var length = 0; length < bytes.Length; length++)
        {
            Faults.Expect(IndexFault.Truncated, () => ShardIndex.Parse(bytes.AsSpan(0, length)));
        }

        Faults.Expect(IndexFault.TrailingBytes, () => ShardIndex.Parse([.. bytes, 0]));
    }

    [Theory]
    [InlineData(IndexFault.WrongMagic, 4, 0)]
    [InlineData(IndexFault.WrongVersion, 8, 0)]
    [InlineData(IndexFault.CountInvalid, 12, 1)]
    [InlineData(IndexFault.IdentityInvalid, 20, -1)]
    [InlineData(IndexFault.IdentityInvalid, 24, 0)]
    [InlineData(IndexFault.IdentityInvalid, 28, 2)]
    [InlineData(IndexFault.IdentityInvalid, 28, -1)]
    [InlineData(IndexFault.IdentityInvalid, 32, 0)]
    [InlineData(IndexFault.IdentityInvalid, 32, 1_000_001)]
    [InlineData(IndexFault.LengthInvalid, 36, 0)]
    [InlineData(IndexFault.LengthInvalid, 36, -1)]
    [InlineData(IndexFault.LengthInvalid, 44, -1)]
    [InlineData(IndexFault.LengthInvalid, 44, int.MaxValue)]
    [InlineData(IndexFault.LengthInvalid, 52, -1)]
    [InlineData(IndexFault.LengthInvalid, 48, 1_000_000)]
    [InlineData(IndexFault.ChunkCountMismatch, 36, 8192)]
    [InlineData(IndexFault.RootMismatch, 88, 0)]
    [InlineData(IndexFault.CountInvalid, 104, -1)]
    [InlineData(IndexFault.CountInvalid, 104, ShardIndex.MaxPacks + 1)]
    [InlineData(IndexFault.CountInvalid, 108, ChunkGeometry.MaxChunks + 1)]
    [InlineData(IndexFault.CountInvalid, 112, ShardIndex.MaxExtraBytes + 1)]
    [InlineData(IndexFault.CountInvalid, 112, 1)]
    [InlineData(IndexFault.ReservedNotZero, 116, 1)]
    [InlineData(IndexFault.ReservedNotZero, 124, 1)]
    public void Parse_OneFieldWrong_NamesTheFault(IndexFault fault, int at, int value) =>
        Faults.Expect(fault, () => ShardIndex.Parse(Rehash(bytes => Write(bytes, at, value))));

    [Theory]
    [InlineData(IndexFault.PackOrderInvalid, 0, 41)]
    [InlineData(IndexFault.IdentityInvalid, 8, 0)]
    [InlineData(IndexFault.IdentityInvalid, 12, -1)]
    [InlineData(IndexFault.IdentityInvalid, 16, 1_000_000)]
    [InlineData(IndexFault.ReservedNotZero, 20, 1)]
    [InlineData(IndexFault.PackLengthInvalid, 24, 0)]
    [InlineData(IndexFault.PackLengthInvalid, 28, 1)]
    [InlineData(IndexFault.OffsetOutOfPack, 24, 4000)]
    public void Parse_OnePackFieldWrong_NamesTheFault(IndexFault fault, int at, int value) =>
        Faults.Expect(fault, () => ShardIndex.Parse(Rehash(bytes => Write(bytes, PacksAt + at, value))));

    [Theory]
    [InlineData(IndexFault.RootMismatch, 0, 0, 1)]
    [InlineData(IndexFault.PackOrdinalInvalid, 0, 16, 99)]
    [InlineData(IndexFault.PackOrdinalInvalid, 0, 16, -1)]
    [InlineData(IndexFault.OffsetOutOfPack, 0, 20, 0)]
    [InlineData(IndexFault.OffsetOutOfPack, 0, 20, int.MaxValue)]
    [InlineData(IndexFault.StoredLengthInvalid, 0, 24, 1)]
    [InlineData(IndexFault.StoredLengthInvalid, 0, 24, -1)]
    [InlineData(IndexFault.CodecUnsupported, 0, 28, 1)]
    [InlineData(IndexFault.StoredPrefixMismatch, 0, 28, 255)]
    [InlineData(IndexFault.ReservedNotZero, 0, 28, 256)]
    [InlineData(IndexFault.PackUnused, 1, 16, 1)]
    public void Parse_OneChunkFieldWrong_NamesTheFault(IndexFault fault, int chunk, int at, int value) =>
        Faults.Expect(fault, () => ShardIndex.Parse(Rehash(bytes =>
        {
            Write(bytes, ChunksAt + (32 * chunk) + at, value);
            if (fault == IndexFault.PackUnused)
            {
                // Exactly where chunk 0 lies, with its hash, so that nothing but the unused pack is wrong.
                bytes.AsSpan(ChunksAt, 32).CopyTo(bytes.AsSpan(ChunksAt + 32));
            }
        })));

    [Fact]
    public void Encode_ImpossibleValues_NameTheFault()
    {
        var index = Sample.Index;
        Faults.Expect(IndexFault.LayoutDigestInvalid, () => (index with { LayoutDigest = new string('A', 64) }).Encode());
        Faults.Expect(IndexFault.ExtraNotJson, () => (index with { Extra = "{"u8.ToArray() }).Encode());
        Faults.Expect(IndexFault.ExtraNotJson, () => (index with { Extra = " "u8.ToArray() }).Encode());
        Faults.Expect(IndexFault.CountInvalid, () => (index with { Extra = Padded(ShardIndex.MaxExtraBytes + 1) }).Encode());
        _ = (index with { Extra = Padded(ShardIndex.MaxExtraBytes) }).Encode();
        Faults.Expect(IndexFault.StoredPrefixMismatch, () => (index with { StoredBytes = 0 }).Encode());
        Faults.Expect(IndexFault.ChunksOverlap, () => WithChunk(2, index.Chunks[2] with { OffsetBytes = index.Chunks[2].OffsetBytes + 1 }).Encode());
        Faults.Expect(IndexFault.ChunksOverlap, () => WithChunk(2, index.Chunks[0] with { Hash = index.Chunks[2].Hash }).Encode());

        static byte[] Padded(int length) => Encoding.UTF8.GetBytes("{}".PadRight(length));
    }

    private static ShardIndex WithChunk(int chunk, ChunkEntry entry)
    {
        var chunks = Sample.Index.Chunks.ToArray();
        chunks[chunk] = entry;
        return Sample.Index with { Chunks = chunks };
    }

    private static ShardIndex MakeIndex(int imageBytes, int storedBytes, int chunkBytes)
    {
        var geometry = new ChunkGeometry(imageBytes, chunkBytes);
        var stored = geometry.CountIn(storedBytes);
        var hashes = Enumerable.Range(0, geometry.Count).Select(i => ChunkHash.Compute(BitConverter.GetBytes(i))).ToArray();
        var packBytes = 112 + (32 * stored) + (stored == 0 ? 0 : (int)geometry.OffsetOf(stored - 1) + geometry.LengthOf(stored - 1));
        return Sample.Index with
        {
            ImageBytes = imageBytes,
            StoredBytes = storedBytes,
            ChunkBytes = chunkBytes,
            Root = RootHash.Compute(imageBytes, chunkBytes, hashes),
            Packs = stored == 0 ? [] : [new PackReference(Sample.Checkpoint, new Rank(1), 0, packBytes)],
            Chunks = [.. hashes.Select((hash, i) => i < stored
                ? new ChunkEntry(hash, CodecId.Raw, 0, 112 + (32 * stored) + (int)geometry.OffsetOf(i), geometry.LengthOf(i))
                : ChunkEntry.ElsewhereOf(hash))],
        };
    }

    private static void Write(byte[] bytes, int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at), value);

    private static byte[] Rehash(Action<byte[]> change)
    {
        var bytes = Sample.Index.Encode();
        change(bytes);
        ChunkHash.Compute(bytes.AsSpan(0, bytes.Length - 16)).WriteTo(bytes.AsSpan(bytes.Length - 16));
        return bytes;
    }
}
