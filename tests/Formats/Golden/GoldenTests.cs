using System.Runtime.CompilerServices;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Indices;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Manifests;
using Checkpointer.Formats.Packs;
using Checkpointer.Formats.Tests.Samples;

namespace Checkpointer.Formats.Tests.Golden;

/// <summary>
/// The files beside this test were written by the first release and stay for ever: today's code reads them and writes the
/// same bytes. To add files for a new version, run with CHECKPOINTER_WRITE_GOLDEN=1; never overwrite old ones.
/// </summary>
public sealed class GoldenTests
{
    public static TheoryData<string> Names =>
        ["layout.v1.json", "pack-0.v1.pack", "pack-last.v1.pack", "shard.v1.index", "manifest.v1.json"];

    [Theory]
    [MemberData(nameof(Names))]
    public void Encode_Sample_IsByteIdentical(string name)
    {
        var today = name switch
        {
            "layout.v1.json" => Sample.Layout.Utf8.ToArray(),
            "pack-0.v1.pack" => Sample.PackBytes(Sample.Packs[0]),
            "pack-last.v1.pack" => Sample.PackBytes(Sample.Packs[^1]),
            "shard.v1.index" => Sample.Index.Encode(),
            _ => Sample.Manifest.Encode(),
        };
        if (Environment.GetEnvironmentVariable("CHECKPOINTER_WRITE_GOLDEN") == "1" && !File.Exists(PathOf(name)))
        {
            File.WriteAllBytes(PathOf(name), today);
        }

        Assert.Equal(Read(name), today);
    }

    [Fact]
    public void Parse_GoldenLayout_GivesTheSampleTensors()
    {
        var layout = Layout.Parse(Read("layout.v1.json"));
        Assert.Equal(
            ["empty", "step", "optimizer.exp_avg", "model.weight", "rng", "norm.é"],
            layout.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(8 + (64 * 96 * 4) + (64 * 96 * 2) + 13, layout.StoredBytes);
        Assert.Equal(layout.StoredBytes + (96 * 4), layout.ImageBytes);
        Assert.Equal([128L, 96L], layout.Find("model.weight")!.Placement!.GlobalShape);
        Assert.False(layout.Find("norm.é")!.Stored);
    }

    [Fact]
    public void Parse_GoldenPacks_HoldTheImage()
    {
        foreach (var name in new[] { "pack-0.v1.pack", "pack-last.v1.pack" })
        {
            var bytes = Read(name);
            var pack = PackHeader.Parse(bytes);
            Assert.Equal(bytes.Length, pack.PackBytes);
            for (var i = 0; i < pack.Entries.Count; i++)
            {
                var chunk = bytes.AsSpan(pack.OffsetOf(i), pack.Entries[i].StoredBytes);
                Assert.True(chunk.SequenceEqual(Sample.ChunkOf(pack.Entries[i].Chunk)));
                Assert.Equal(pack.Entries[i].Hash, ChunkHash.Compute(chunk));
            }
        }
    }

    [Fact]
    public void Parse_GoldenIndexAndManifest_GiveTheSample()
    {
        var index = ShardIndex.Parse(Read("shard.v1.index"));
        Assert.Equal(Sample.Index.Root, index.Root);
        Assert.Equal(Sample.Index.Chunks, index.Chunks);
        Assert.Equal(Sample.Index.Packs, index.Packs);

        var manifest = Manifest.Parse(Read("manifest.v1.json"));
        Assert.Equal(Sample.Manifest.Shards, manifest.Shards);
        Assert.Equal(Sample.Manifest.Lineage, manifest.Lineage);
        Assert.Equal(Sample.Manifest.Parent, manifest.Parent);
    }

    internal static byte[] Read(string name) => File.ReadAllBytes(PathOf(name));

    private static string PathOf(string name, [CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, name);
}
