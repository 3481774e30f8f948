using Checkpointer.Agent.Restoring;
using Checkpointer.Agent.Tests.Worlds;
using Checkpointer.Contracts.Images;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Tests.Restoring;

/// <summary>Same world, same layout: where bytes come from, and what happens when they are wrong.</summary>
public sealed class SourceTests : IDisposable
{
    private static readonly Rank One = new(1);
    private readonly TestWorld _world = new(2);
    private readonly RestoreBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Storage_Alone_GivesTheStoredPrefixAndTheReplicasOfOthers(int rank)
    {
        await _world.SaveAsync(_bench.Store);
        var layout = _world.LayoutOf(new Rank(rank));
        Assert.True(layout.StoredBytes < layout.ImageBytes, "The test needs a rank that stores only a prefix.");

        Assert.Equal(_world.ImageOf(new Rank(rank)), await FromStorageAsync(new Rank(rank)));
        Assert.Empty(_bench.Journal.Faults);
        Assert.True(_bench.Journal.BytesFrom(SourceKind.Replicas) > 0);
    }

    [Fact]
    public async Task Peer_Alone_GivesTheWholeImage()
    {
        await using var peer = await FakePeer.StartAsync(_world);
        var image = await RebuildAsync(RestoreBench.Memory(peer));

        Assert.Equal(_world.ImageOf(One), image);
        Assert.Equal(image.Length, _bench.Journal.BytesFrom(SourceKind.PeerMemory));
        Assert.Empty(_bench.Journal.Faults);
    }

    [Fact]
    public async Task Peer_OneBitWrong_TakesThatChunkAloneFromStorage()
    {
        await _world.SaveAsync(_bench.Store);
        await using var peer = await FakePeer.StartAsync(_world);
        peer.Mangle = (_, image) => image[3000] ^= 1;

        Assert.Equal(_world.ImageOf(One), await RebuildAsync(RestoreBench.Memory(peer), RestoreBench.Storage));
        Assert.Equal(_world.ChunkBytes, _bench.Journal.BytesFrom(SourceKind.Storage));
        var fault = Assert.Single(_bench.Journal.Faults);
        Assert.Contains("chunk_corrupt: chunk 2", fault.Message, StringComparison.Ordinal);
        Assert.Equal((CopyFaultKind.Corrupt, One, Tier.Memory, "node-b"), (fault.Kind, fault.Rank!.Value, fault.Tier!.Value, fault.Node));
    }

    [Fact]
    public async Task Peer_OneBitWrongInWhatOnlyReplicasStore_TakesItFromTheirOwner()
    {
        await _world.SaveAsync(_bench.Store);
        await using var peer = await FakePeer.StartAsync(_world);
        peer.Mangle = (rank, image) => image[^1] ^= rank == One ? (byte)1 : (byte)0;

        Assert.Equal(_world.ImageOf(One), await RebuildAsync(RestoreBench.Memory(peer), RestoreBench.Storage));
        Assert.True(_bench.Journal.BytesFrom(SourceKind.Replicas) > 0);
    }

    [Fact]
    public async Task EverySource_OneBitWrong_IsImpossible()
    {
        await _world.SaveAsync(_bench.Store);
        await using var first = await FakePeer.StartAsync(_world);
        await using var second = await FakePeer.StartAsync(_world);
        first.Mangle = second.Mangle = (_, image) => image[10] ^= 1;
        RestoreBench.Flip(_bench.Files("000001-000000.pack")[0], 64 + (32 * 5) + 16 + 10);

        var error = await Assert.ThrowsAsync<CheckpointerException>(() => RebuildAsync(
            RestoreBench.Memory(first), RestoreBench.Memory(second), RestoreBench.Storage));
        Assert.Equal(ErrorCode.RestoreImpossible, error.Code);
        Assert.Equal([Tier.Memory, Tier.Memory, Tier.Storage], _bench.Journal.Faults.Select(fault => fault.Tier!.Value));
        Assert.All(_bench.Journal.Faults, fault => Assert.Equal(CopyFaultKind.Corrupt, fault.Kind));
    }

    [Fact]
    public async Task Peer_Dead_IsLeftForTheNext()
    {
        await _world.SaveAsync(_bench.Store);
        Assert.Equal(
            _world.ImageOf(One), await RebuildAsync(RestoreBench.Memory("http://127.0.0.1:9"), RestoreBench.Storage));
        AssertOneFaultAnImage("service_unavailable");
        Assert.All(_bench.Journal.Faults, fault => Assert.Equal((CopyFaultKind.Unreachable, "node-b"), (fault.Kind, fault.Node)));
    }

    [Fact]
    public async Task Peer_IgnoringRanges_IsLeftForTheNext()
    {
        await _world.SaveAsync(_bench.Store);
        await using var peer = await FakePeer.StartAsync(_world);
        peer.IgnoresRanges = true;
        var image = await RebuildAsync(RestoreBench.Memory(peer), RestoreBench.Storage);

        Assert.Equal(_world.ImageOf(One), image);
        Assert.NotEmpty(_bench.Journal.Faults);
    }

    public static TheoryData<Func<ImageDescription, ImageDescription>> Lies => new()
    {
        description => description with { ChunkBytes = 2048 },
        description => description with { ChunkBytes = int.MaxValue },
        description => description with { ChunkHashes = description.ChunkHashes[..^16] },
        description => description with { ChunkHashes = new byte[description.ChunkHashes.Length] },
        description => description with { Image = description.Image with { ImageBytes = 1L << 41 } },
        description => description with { Image = description.Image with { Layout = new string('a', 64) } },
        description => description with { Checkpoint = new CheckpointId(new Step(41), new Attempt(1)) },
    };

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task Peer_DescribingAnotherImage_IsNotBelieved(Func<ImageDescription, ImageDescription> lie)
    {
        await _world.SaveAsync(_bench.Store);
        await using var peer = await FakePeer.StartAsync(_world);
        peer.DescriptionOf = lie;

        Assert.Equal(_world.ImageOf(One), await RebuildAsync(RestoreBench.Memory(peer), RestoreBench.Storage));
        AssertOneFaultAnImage("chunk_corrupt");
        Assert.Equal(0, _bench.Journal.BytesFrom(SourceKind.PeerMemory));
    }

    [Theory]
    [InlineData("MANIFEST.json", 100, "manifest_corrupt")]
    [InlineData("000001.index", 200, "index_corrupt")]
    [InlineData("000001-000001.pack", -1, "chunk_corrupt")]
    public async Task Storage_OneBitWrong_NamesWhat(string file, int offset, string code)
    {
        await _world.SaveAsync(_bench.Store);
        RestoreBench.Flip(_bench.Files(file)[0], offset);

        var error = await Assert.ThrowsAsync<CheckpointerException>(() => FromStorageAsync(One));
        Assert.Equal(ErrorCode.RestoreImpossible, error.Code);
        Assert.Contains(_bench.Journal.Faults, fault => fault.Message.Contains(code, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("MANIFEST.json", "not_found")]
    [InlineData("000001.index", "index_corrupt")]
    [InlineData("000001-000001.pack", "pack_corrupt")]
    public async Task Storage_Missing_NamesWhat(string file, string code)
    {
        await _world.SaveAsync(_bench.Store);
        File.Delete(_bench.Files(file)[0]);

        var error = await Assert.ThrowsAsync<CheckpointerException>(() => FromStorageAsync(One));
        Assert.Equal(ErrorCode.RestoreImpossible, error.Code);
        Assert.Contains(_bench.Journal.Faults, fault => fault.Message.Contains(code, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("000001.index", "index_corrupt")]
    [InlineData("000001-000001.pack", "pack_corrupt")]
    public async Task Storage_CutShort_NamesWhat(string file, string code)
    {
        await _world.SaveAsync(_bench.Store);
        using (var stream = File.OpenWrite(_bench.Files(file)[0]))
        {
            stream.SetLength(stream.Length - 1);
        }

        await Assert.ThrowsAsync<CheckpointerException>(() => FromStorageAsync(One));
        Assert.Contains(_bench.Journal.Faults, fault => fault.Message.Contains(code, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Storage_OnePackMissing_CostsThePeerOnlyThatPack()
    {
        await _world.SaveAsync(_bench.Store);
        await using var peer = await FakePeer.StartAsync(_world);
        File.Delete(_bench.Files("000001-000001.pack")[0]);

        Assert.Equal(_world.ImageOf(One), await RebuildAsync(RestoreBench.Storage, RestoreBench.Memory(peer)));
        Assert.True(_bench.Journal.BytesFrom(SourceKind.Storage) > 0);
        Assert.Equal(5, _bench.Journal.Faults.Count(fault => fault.Message.Contains("pack_corrupt", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Storage_AnotherCheckpointsManifest_IsNotBelieved()
    {
        await _world.SaveAsync(_bench.Store);
        var path = _bench.Files("MANIFEST.json")[0];
        var other = File.ReadAllText(path).Replace("\"step\": 40", "\"step\": 39", StringComparison.Ordinal);
        File.WriteAllText(path, other);

        await Assert.ThrowsAsync<CheckpointerException>(() => FromStorageAsync(One));
        Assert.Contains(_bench.Journal.Faults, fault => fault.Message.Contains("manifest_corrupt", StringComparison.Ordinal));
    }

    private void AssertOneFaultAnImage(string code)
    {
        Assert.Equal(2, _bench.Journal.Faults.Count);
        Assert.All(_bench.Journal.Faults, fault => Assert.Contains(code, fault.Message, StringComparison.Ordinal));
    }

    private Task<byte[]> FromStorageAsync(Rank rank) => _bench.RebuildAsync(
        _world.Plan(_ => [RestoreBench.Storage]), rank, _world.LayoutOf(rank));

    private Task<byte[]> RebuildAsync(params Checkpointer.Contracts.Runs.ImageSource[] sources) =>
        _bench.RebuildAsync(_world.Plan(_ => sources), One, _world.LayoutOf(One));
}
