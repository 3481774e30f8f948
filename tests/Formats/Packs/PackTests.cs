using System.Buffers.Binary;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Codecs;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Packs;
using Checkpointer.Formats.Tests.Samples;
using CsCheck;

namespace Checkpointer.Formats.Tests.Packs;

public sealed class PackTests
{
    private static readonly Gen<PackHeader> AnyPack =
        Gen.Select(Gen.Long[0, Step.MaxValue], Gen.Int[1, Attempt.MaxValue], Gen.Int[0, Rank.MaxValue], Gen.Int[1, 5000].Array[1, 20])
            .Select((step, attempt, rank, lengths) => new PackHeader(
                new CheckpointId(new Step(step), new Attempt(attempt)),
                new Rank(rank),
                rank,
                lengths.Select((length, i) => Entry(i * 2, length))));

    [Fact]
    public void EncodeThenParse_AnyPack_GivesTheSame() => AnyPack.Sample(pack =>
    {
        var bytes = pack.Encode();
        var again = PackHeader.Parse([.. bytes, 1, 2, 3]);
        return bytes.Length == pack.HeaderBytes
            && PackHeader.ReadHeaderBytes(bytes.AsSpan(0, PackHeader.FixedBytes)) == bytes.Length
            && again.Encode().SequenceEqual(bytes)
            && again.Entries.SequenceEqual(pack.Entries)
            && again.OffsetOf(0) == bytes.Length
            && again.OffsetOf(again.Entries.Count - 1) + again.Entries[^1].StoredBytes == again.PackBytes;
    });

    [Fact]
    public void Parse_AnyByteChanged_IsAFault() =>
        Gen.Select(AnyPack, Gen.Int[0, int.MaxValue], Gen.Byte[1, 255]).Sample((pack, at, flip) =>
        {
            var bytes = pack.Encode();
            bytes[at % bytes.Length] ^= flip;
            Assert.False(Faults.Parses(() => PackHeader.Parse(bytes)));
        }, iter: 2000);

    [Fact]
    public void Parse_AnyByteChangedAndRehashed_IsAFaultOrTheSameBytesAgain() =>
        Gen.Select(AnyPack, Gen.Int[0, int.MaxValue], Gen.Byte[1, 255]).Sample((pack, at, flip) =>
        {
            var bytes = Rehash(pack.Encode(), bytes => bytes[at % (bytes.Length - 16)] ^= flip);
            if (Faults.Parses(() => PackHeader.Parse(bytes)))
            {
                Assert.Equal(bytes, PackHeader.Parse(bytes).Encode());
            }
        }, iter: 2000);

    [Fact]
    public void Parse_AnyPrefix_IsTruncated()
    {
        var bytes = Sample.Packs[0].Encode();
        for (var length = 0; length < bytes.Length; length++)
        {
            Faults.Expect(PackFault.Truncated, () => PackHeader.Parse(bytes.AsSpan(0, length)));
        }
    }

    [Theory]
    [InlineData(PackFault.WrongMagic, 0, 0x43_4B_50_55)]
    [InlineData(PackFault.WrongVersion, 8, 2)]
    [InlineData(PackFault.WrongVersion, 8, -1)]
    [InlineData(PackFault.HeaderLengthMismatch, 12, 99)]
    [InlineData(PackFault.EntryCountInvalid, 36, 0)]
    [InlineData(PackFault.EntryCountInvalid, 36, PackHeader.MaxEntries + 1)]
    [InlineData(PackFault.EntryCountInvalid, 36, -1)]
    [InlineData(PackFault.HeaderLengthMismatch, 36, PackHeader.MaxEntries)]
    [InlineData(PackFault.IdentityInvalid, 20, int.MaxValue)]
    [InlineData(PackFault.IdentityInvalid, 24, 0)]
    [InlineData(PackFault.IdentityInvalid, 28, -1)]
    [InlineData(PackFault.IdentityInvalid, 28, 1_000_000)]
    [InlineData(PackFault.IdentityInvalid, 32, -1)]
    [InlineData(PackFault.IdentityInvalid, 32, 1_000_000)]
    [InlineData(PackFault.PayloadLengthMismatch, 40, 1)]
    [InlineData(PackFault.ReservedNotZero, 48, 1)]
    [InlineData(PackFault.ReservedNotZero, 60, 1 << 24)]
    [InlineData(PackFault.CodecUnsupported, 68, 1)]
    [InlineData(PackFault.CodecUnsupported, 68, 77)]
    [InlineData(PackFault.CodecUnsupported, 68, 255)]
    [InlineData(PackFault.ReservedNotZero, 68, 256)]
    [InlineData(PackFault.ChunkOrderInvalid, 96, 0)]
    [InlineData(PackFault.ChunkOrderInvalid, 96, -1)]
    [InlineData(PackFault.ChunkOrderInvalid, 64, ChunkGeometry.MaxChunks)]
    [InlineData(PackFault.LengthInvalid, 72, 0)]
    [InlineData(PackFault.LengthInvalid, 72, ChunkGeometry.MaxChunkBytes + 1)]
    [InlineData(PackFault.LengthInvalid, 76, -1)]
    [InlineData(PackFault.LengthInvalid, 76, 1)]
    public void Parse_OneFieldWrong_NamesTheFault(PackFault fault, int at, int value) =>
        Faults.Expect(fault, () => PackHeader.Parse(
            Rehash(Sample.Packs[0].Encode(), bytes => BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at), value))));

    [Fact]
    public void Parse_Damaged_NamesTheHash()
    {
        var bytes = Sample.Packs[0].Encode();
        bytes[80] ^= 1;
        Faults.Expect(PackFault.HeaderHashMismatch, () => PackHeader.Parse(bytes));
    }

    [Fact]
    public void Parse_LengthsThatOverflow_NamesTheFault() => Faults.Expect(
        PackFault.PayloadLengthMismatch,
        () => _ = new PackHeader(
            Sample.Checkpoint, new Rank(0), 0, Enumerable.Range(0, 5).Select(i => Entry(i, ChunkGeometry.MaxChunkBytes))));

    [Fact]
    public void Add_AnyChunks_FillsPacksInOrderWithinTheLimit() =>
        Gen.Select(Gen.Int[1, 100].Array[0, 60], Gen.Int[100, 400]).Sample((lengths, limit) =>
        {
            var builder = new PackBuilder(Sample.Checkpoint, new Rank(3), limit);
            var completed = lengths.Select((length, i) => builder.Add(Entry(i, length))).OfType<PackHeader>().ToList();
            var packs = builder.Build();
            Assert.Equal(completed, packs.Take(completed.Count));
            Assert.Equal(lengths, packs.SelectMany(pack => pack.Entries).Select(entry => entry.RawBytes));
            Assert.All(packs, pack => Assert.InRange(pack.PayloadBytes, 1, limit));
            Assert.Equal(Enumerable.Range(0, packs.Count), packs.Select(pack => pack.Number));
            for (var i = 1; i < packs.Count; i++)
            {
                Assert.True(packs[i - 1].PayloadBytes + packs[i].Entries[0].StoredBytes > limit);
            }
        });

    private static PackEntry Entry(int chunk, int length) =>
        new(chunk, CodecId.Raw, length, length, ChunkHash.Compute([(byte)chunk]));

    private static byte[] Rehash(byte[] bytes, Action<byte[]> change)
    {
        change(bytes);
        ChunkHash.Compute(bytes.AsSpan(0, bytes.Length - 16)).WriteTo(bytes.AsSpan(bytes.Length - 16));
        return bytes;
    }
}
