using System.Text;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Manifests;
using Checkpointer.Formats.Tests.Samples;
using CsCheck;

namespace Checkpointer.Formats.Tests.Manifests;

public sealed class ManifestTests
{
    [Fact]
    public void EncodeThenParse_Sample_GivesTheSameBytes() =>
        Assert.Equal(Sample.Manifest.Encode(), Manifest.Parse(Sample.Manifest.Encode()).Encode());

    [Fact]
    public void EncodeThenParse_AnyWorld_GivesTheSameBytes() =>
        Gen.Select(Gen.Int[1, 50], Gen.Long[1, Step.MaxValue], Gen.Long[0, 1L << 40]).Sample((world, step, bytes) =>
        {
            var manifest = Sample.Manifest with
            {
                Step = new Step(step),
                Parent = null,
                WorldSize = world,
                ChunkBytes = 4 << 20,
                ImageBytes = bytes * world,
                StoredBytes = bytes / 2 * world,
                Shards = [.. Enumerable.Range(0, world).Select(rank => Sample.Manifest.Shards[0] with
                {
                    Rank = new Rank(rank), ImageBytes = bytes, StoredBytes = bytes / 2,
                })],
            };
            var encoded = manifest.Encode();
            return Manifest.Parse(encoded).Encode().SequenceEqual(encoded);
        });

    [Fact]
    public void Parse_AnyByteChanged_GivesAFaultOrAValue() =>
        Gen.Select(Gen.Int[0, int.MaxValue], Gen.Byte).Sample((at, value) =>
        {
            var bytes = Sample.Manifest.Encode();
            bytes[at % bytes.Length] = value;
            Faults.Parses(() => Manifest.Parse(bytes));
        }, iter: 3000);

    [Fact]
    public void Parse_AnyPrefix_IsNotJson()
    {
        var bytes = Sample.Manifest.Encode();
        for (var length = 0; length < bytes.Length; length++)
        {
            Faults.Expect(ManifestFault.NotJson, () => Manifest.Parse(bytes.AsSpan(0, length)));
        }
    }

    [Fact]
    public void Parse_AnyBytes_NeverThrowsAnythingElse() =>
        Gen.Byte.Array[0, 100].Sample(bytes => { Faults.Parses(() => Manifest.Parse(bytes)); }, iter: 2000);

    [Theory]
    [InlineData(ManifestFault.WrongFormat, "\"checkpointer.manifest\"", "\"other\"")]
    [InlineData(ManifestFault.WrongFormat, "\"format\"", "\"fromat\"")]
    [InlineData(ManifestFault.WrongVersion, "\"version\": 1", "\"version\": 2")]
    [InlineData(ManifestFault.WrongVersion, "\"version\": 1", "\"version\": \"1\"")]
    [InlineData(ManifestFault.FieldInvalid, "\"step\": 40,", "\"step\": 40, \"step\": 40,")]
    [InlineData(ManifestFault.FieldInvalid, "\"step\": 40,", "\"step\": 40, \"colour\": 1,")]
    [InlineData(ManifestFault.FieldInvalid, "\"step\": 40,", "\"step\": -1,")]
    [InlineData(ManifestFault.FieldInvalid, "\"step\": 40,", "\"step\": null,")]
    [InlineData(ManifestFault.FieldInvalid, "\"step\": 40,", "")]
    [InlineData(ManifestFault.FieldInvalid, "\"attempt\": 2,\n  \"world_size\"", "\"attempt\": 0,\n  \"world_size\"")]
    [InlineData(ManifestFault.FieldInvalid, "\"sft-demo\"", "\"../etc\"")]
    [InlineData(ManifestFault.FieldInvalid, "\"sft-demo\"", "\"\\ud800\"")]
    [InlineData(ManifestFault.FieldInvalid, "\"sft-demo\"", "17")]
    [InlineData(ManifestFault.FieldInvalid, "2026-11", "2026-13")]
    [InlineData(ManifestFault.WorldSizeInvalid, "\"world_size\": 2", "\"world_size\": 0")]
    [InlineData(ManifestFault.WorldSizeInvalid, "\"world_size\": 2", "\"world_size\": 1000001")]
    [InlineData(ManifestFault.ShardsNotOnePerRank, "\"world_size\": 2", "\"world_size\": 3")]
    [InlineData(ManifestFault.ShardsNotOnePerRank, "\"rank\": 1", "\"rank\": 0")]
    [InlineData(ManifestFault.LengthInvalid, "\"chunk_bytes\": 4096", "\"chunk_bytes\": 0")]
    [InlineData(ManifestFault.LengthInvalid, "\"index_bytes\": 1000", "\"index_bytes\": 0")]
    [InlineData(ManifestFault.LengthInvalid, "\"nan_count\": 0", "\"nan_count\": -1")]
    [InlineData(ManifestFault.CreatedAtNotUtc, "+00:00\"", "+01:00\"")]
    [InlineData(ManifestFault.DigestInvalid, "\"index_sha256\": \"aa", "\"index_sha256\": \"AA")]
    [InlineData(ManifestFault.DigestInvalid, "\"index_sha256\": \"aa", "\"index_sha256\": \"a")]
    [InlineData(ManifestFault.TotalMismatch, "\"image_bytes\": 7", "\"image_bytes\": 8")]
    [InlineData(ManifestFault.ParentNotOlder, "\"step\": 30,\n    \"attempt\": 1\n  },\n  \"lineage\"", "\"step\": 40,\n    \"attempt\": 1\n  },\n  \"lineage\"")]
    [InlineData(ManifestFault.ParentNotOlder, "\"step\": 30,\n    \"attempt\": 1\n  },\n  \"lineage\"", "\"step\": 30\n  },\n  \"lineage\"")]
    [InlineData(ManifestFault.LineageInvalid, "\"attempt\": 1,\n      \"resumed_from\": null", "\"attempt\": 2,\n      \"resumed_from\": null")]
    public void Parse_OneFieldWrong_NamesTheFault(ManifestFault fault, string was, string becomes)
    {
        var text = Encoding.UTF8.GetString(Sample.Manifest.Encode());
        Assert.Contains(was, text, StringComparison.Ordinal);
        var at = text.IndexOf(was, StringComparison.Ordinal);
        var wrong = text[..at] + becomes + text[(at + was.Length)..];
        Faults.Expect(fault, () => Manifest.Parse(Encoding.UTF8.GetBytes(wrong)));
    }
}
