using System.Security.Cryptography;
using System.Text;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Manifests;
using Checkpointer.Storage.Verification;
using Checkpointer.TestKit.Checkpoints;

namespace Checkpointer.Storage.Tests.Verification;

/// <summary>Whatever goes bad in a stored checkpoint is named, with the ranks and tensors that it hits, and nothing else is.</summary>
public sealed class DamageTests : IDisposable
{
    private static readonly Rank One = new(1);

    private readonly VerifiedRun _world = new();

    private StoredRun Run => _world.Run;

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData("weights")]
    [InlineData("frozen")]
    public async Task FlippedBit_InAChunk_NamesPackRankAndTensor(string tensor)
    {
        _ = await Run.SaveAsync(10);
        var checkpoint = await Run.SaveAsync(20);
        var chunk = Run.ChunkIn(One, tensor);
        var (key, offset) = Run.PlaceOf(One, chunk);
        await _world.FlipBitAsync(key, offset + 100);

        var found = await _world.VerifyAsync(checkpoint);

        var finding = Assert.Single(found.Findings);
        Assert.Equal((FindingKind.Corrupt, key), (finding.Kind, finding.Key));
        Assert.Equal([One], finding.Ranks);
        Assert.Equal([tensor], finding.Tensors);
        Assert.Equal((1, (long)StoredRun.ChunkBytes), (finding.TensorCount, finding.Bytes));
        Assert.Contains($"chunk {chunk} of rank 1", finding.Detail, StringComparison.Ordinal);
        Assert.True(found.IsDamaged);
        Assert.True(found.IsComplete);
    }

    [Fact]
    public async Task FlippedBit_AtABorder_NamesBothTensors()
    {
        var checkpoint = await Run.SaveAsync(10);
        var own = Run.LayoutOf(One).Find("own")!;
        var (key, offset) = Run.PlaceOf(One, (int)(own.Begin / StoredRun.ChunkBytes));
        await _world.FlipBitAsync(key, offset + (int)(own.Begin % StoredRun.ChunkBytes));

        var finding = Assert.Single((await _world.VerifyAsync(checkpoint)).Findings);

        Assert.Equal(["own", "weights"], finding.Tensors);
    }

    [Fact]
    public async Task FlippedBit_WhereATensorBegins_NamesNotTheOneThatEndsThere()
    {
        var checkpoint = await Run.SaveAsync(10);
        var end = Run.LayoutOf(One).Find("frozen")!.End;
        Assert.Equal(0, end % StoredRun.ChunkBytes);
        var (key, offset) = Run.PlaceOf(One, (int)(end / StoredRun.ChunkBytes));
        await _world.FlipBitAsync(key, offset);

        var finding = Assert.Single((await _world.VerifyAsync(checkpoint)).Findings);

        Assert.NotEmpty(finding.Tensors);
        Assert.DoesNotContain("frozen", finding.Tensors);
    }

    [Fact]
    public async Task SharedChunk_IsNamedInEveryCheckpointThatNeedsIt()
    {
        var first = await Run.SaveAsync(10);
        var second = await Run.SaveAsync(20);
        var (key, offset) = Run.PlaceOf(One, Run.ChunkIn(One, "frozen"));
        await _world.FlipBitAsync(key, offset);

        var found = await _world.VerifyAllAsync([first, second]);

        Assert.All(found, verification =>
        {
            var finding = Assert.Single(verification.Findings);
            Assert.Equal(key, finding.Key);
            Assert.Equal(["frozen"], finding.Tensors);
        });
        Assert.StartsWith("runs/sft-demo/packs/000000000010.", key.Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TruncatedPack_NamesItsLengthAndTheChunksBeyond()
    {
        var checkpoint = await Run.SaveAsync(10);
        var chunk = Run.ChunkIn(One, "weights");
        var (key, offset) = Run.PlaceOf(One, chunk);
        var bytes = await _world.ReadAsync(key);
        await _world.PutAsync(key, bytes.AsMemory(0, offset + 5));

        var finding = Assert.Single((await _world.VerifyAsync(checkpoint)).Findings);

        Assert.Equal((FindingKind.Corrupt, key), (finding.Kind, finding.Key));
        Assert.StartsWith($"has {offset + 5} bytes and not {bytes.Length}", finding.Detail, StringComparison.Ordinal);
        Assert.Contains($"(first chunk {chunk} of rank 1)", finding.Detail, StringComparison.Ordinal);
        Assert.Equal([One], finding.Ranks);
        Assert.Contains("weights", finding.Tensors);
    }

    [Fact]
    public async Task MissingPack_IsMissing_WithAllThatWasInIt()
    {
        var checkpoint = await Run.SaveAsync(10);
        var (key, _) = Run.PlaceOf(One, 0);
        await _world.Store.DeleteAsync(key, VerifiedRun.Cancel);

        var found = await _world.VerifyAsync(checkpoint);

        var finding = Assert.Single(found.Findings);
        Assert.Equal((FindingKind.Missing, key, "is missing"), (finding.Kind, finding.Key, finding.Detail));
        Assert.Equal([One], finding.Ranks);
        Assert.Equal(["frozen"], finding.Tensors);
        Assert.Equal(4 * StoredRun.ChunkBytes, finding.Bytes);
        Assert.True(found.IsDamaged && found.IsComplete);
    }

    [Fact]
    public async Task SwappedPacks_AreBothNamed_WithWhatTheyAre()
    {
        var checkpoint = await Run.SaveAsync(10);
        var (one, other) = (Run.PlaceOf(new Rank(0), 0).Key, Run.PlaceOf(One, 0).Key);
        await _world.SwapAsync(one, other);

        var findings = (await _world.VerifyAsync(checkpoint)).Findings;

        Assert.Equal([one, other], findings.Select(finding => finding.Key));
        Assert.StartsWith("is pack 0 of rank 1 of checkpoint 10.1; has 4 chunks", findings[0].Detail, StringComparison.Ordinal);
        Assert.StartsWith("is pack 0 of rank 0 of checkpoint 10.1; has 4 chunks", findings[1].Detail, StringComparison.Ordinal);
        Assert.Equal([[new Rank(0)], [One]], findings.Select(finding => finding.Ranks));
        Assert.All(findings, finding => Assert.Equal(["frozen"], finding.Tensors));
    }

    [Fact]
    public async Task BadHeader_IsNamed_AndItsChunksAreWhole()
    {
        var checkpoint = await Run.SaveAsync(10);
        var (key, _) = Run.PlaceOf(One, 0);
        await _world.FlipBitAsync(key, 70);

        var finding = Assert.Single((await _world.VerifyAsync(checkpoint)).Findings);

        Assert.Equal((FindingKind.Corrupt, key, 0L), (finding.Kind, finding.Key, finding.Bytes));
        Assert.Contains("HeaderHashMismatch", finding.Detail, StringComparison.Ordinal);
        Assert.EndsWith("the chunks in it are whole", finding.Detail, StringComparison.Ordinal);
        Assert.Equal([One], finding.Ranks);
    }

    [Theory]
    [InlineData("missing", FindingKind.Missing, "is missing")]
    [InlineData("tampered", FindingKind.Corrupt, "does not hash to the SHA-256")]
    [InlineData("of another rank", FindingKind.Corrupt, "bytes and not")]
    [InlineData("longer", FindingKind.Corrupt, "bytes and not")]
    public async Task Index_MissingOrWrong_HitsTheWholeShard(string harm, FindingKind kind, string detail)
    {
        var checkpoint = await Run.SaveAsync(10);
        var key = RepositoryKeys.Index(Run.Run, checkpoint, One);
        await (harm switch
        {
            "missing" => _world.Store.DeleteAsync(key, VerifiedRun.Cancel),
            "tampered" => _world.FlipBitAsync(key, 300),
            "of another rank" => _world.SwapAsync(key, RepositoryKeys.Index(Run.Run, checkpoint, new Rank(0))),
            _ => _world.PutAsync(key, (byte[])[.. await _world.ReadAsync(key), 0]),
        });

        var found = await _world.VerifyAsync(checkpoint);

        var finding = Assert.Single(found.Findings, finding => finding.Key == key);
        Assert.Equal(kind, finding.Kind);
        Assert.Contains(detail, finding.Detail, StringComparison.Ordinal);
        Assert.Equal([One], finding.Ranks);
        Assert.Contains("weights", finding.Tensors);
        Assert.Contains("own", finding.Tensors);
        Assert.Equal(Run.LayoutOf(One).StoredBytes, finding.Bytes);
        Assert.Equal(harm == "of another rank" ? 2 : 1, found.Findings.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Layout_MissingOrAnothers_HitsTheRanksThatHaveIt(bool missing)
    {
        var checkpoint = await Run.SaveAsync(10);
        var key = RepositoryKeys.Layout(Run.Run, Run.LayoutOf(One).Digest);
        await (missing
            ? _world.Store.DeleteAsync(key, VerifiedRun.Cancel)
            : _world.PutAsync(key, Run.LayoutOf(new Rank(0)).Utf8));

        var found = await _world.VerifyAsync(checkpoint);

        var finding = Assert.Single(found.Findings);
        Assert.Equal((missing ? FindingKind.Missing : FindingKind.Corrupt, key), (finding.Kind, finding.Key));
        Assert.Equal([One], finding.Ranks);
        Assert.True(found.IsDamaged);
        Assert.True(found.Chunks > 0, "chunks are checked all the same");
    }

    [Fact]
    public async Task Layouts_ThatMakeNoWholeModel_AreNamed()
    {
        var checkpoint = await Run.SaveAsync(10);
        var text = Encoding.UTF8.GetString(Run.LayoutOf(One).Utf8.Span).Replace("\\\"offsets\\\":[6,0]", "\\\"offsets\\\":[0,0]", StringComparison.Ordinal);
        var layout = Layout.Parse(Encoding.UTF8.GetBytes(text));
        Assert.NotEqual(layout.Digest, Run.LayoutOf(One).Digest);
        await _world.PutAsync(RepositoryKeys.Layout(Run.Run, layout.Digest), layout.Utf8);
        var index = (Run.IndexOf(One) with { LayoutDigest = layout.Digest }).Encode();
        await _world.PutAsync(RepositoryKeys.Index(Run.Run, checkpoint, One), index);
        var key = RepositoryKeys.Manifest(Run.Run, checkpoint);
        var manifest = Manifest.Parse(await _world.ReadAsync(key));
        await _world.PutAsync(key, (manifest with
        {
            Shards =
            [
                manifest.Shards[0],
                manifest.Shards[1] with { Layout = layout.Digest, IndexSha256 = Convert.ToHexStringLower(SHA256.HashData(index)) },
            ],
        }).Encode());

        var finding = Assert.Single((await _world.VerifyAsync(checkpoint)).Findings);

        Assert.Equal((FindingKind.Corrupt, key), (finding.Kind, finding.Key));
        Assert.Contains("do not make one whole model", finding.Detail, StringComparison.Ordinal);
        Assert.Equal(["frozen", "weights"], finding.Tensors);
        Assert.Equal([new Rank(0), One], finding.Ranks);
    }

    [Theory]
    [InlineData("missing", FindingKind.Missing, "no committed checkpoint")]
    [InlineData("of another", FindingKind.Corrupt, "is the manifest of checkpoint 10.1")]
    [InlineData("no manifest", FindingKind.Corrupt, "does not read as what it should be")]
    public async Task Manifest_MissingOrWrong_IsOneFinding(string harm, FindingKind kind, string detail)
    {
        var other = await Run.SaveAsync(10);
        var checkpoint = await Run.SaveAsync(20);
        var key = RepositoryKeys.Manifest(Run.Run, checkpoint);
        await (harm switch
        {
            "missing" => _world.Store.DeleteAsync(key, VerifiedRun.Cancel),
            "of another" => _world.PutAsync(key, await _world.ReadAsync(RepositoryKeys.Manifest(Run.Run, other))),
            _ => _world.PutAsync(key, "{}"u8.ToArray()),
        });

        var found = await _world.VerifyAllAsync([other, checkpoint]);

        Assert.Empty(found[0].Findings);
        var finding = Assert.Single(found[1].Findings);
        Assert.Equal((kind, key), (finding.Kind, finding.Key));
        Assert.Contains(detail, harm == "missing" ? "no committed checkpoint" : finding.Detail, StringComparison.Ordinal);
        Assert.True(found[1].IsDamaged);
    }

    [Fact]
    public async Task ManyFaults_AreAllNamed()
    {
        var checkpoint = await Run.SaveAsync(10);
        var missing = Run.PlaceOf(new Rank(0), 0).Key;
        await _world.Store.DeleteAsync(missing, VerifiedRun.Cancel);
        var (bad, offset) = Run.PlaceOf(One, Run.ChunkIn(One, "weights"));
        await _world.FlipBitAsync(bad, offset);
        await _world.FlipBitAsync(bad, offset + StoredRun.ChunkBytes);
        var layout = RepositoryKeys.Layout(Run.Run, Run.LayoutOf(One).Digest);
        await _world.FlipBitAsync(layout, 30);

        var found = await _world.VerifyAsync(checkpoint);

        Assert.Equal([layout, missing, bad], found.Findings.Select(finding => finding.Key));
        Assert.Contains("has 2 chunks that are not what was sealed", found.Findings[2].Detail, StringComparison.Ordinal);
    }
}
