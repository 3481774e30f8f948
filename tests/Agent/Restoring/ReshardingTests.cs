using Checkpointer.Agent.Restoring;
using Checkpointer.Agent.Tests.Worlds;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Tests.Restoring;

/// <summary>Another world restores what this one saved.</summary>
public sealed class ReshardingTests : IDisposable
{
    private readonly RestoreBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData(2, 3)]
    [InlineData(3, 2)]
    [InlineData(1, 4)]
    [InlineData(4, 1)]
    [InlineData(2, 2)]
    public async Task Storage_AnotherWorld_GivesTheSameModel(int from, int to)
    {
        var old = new TestWorld(from);
        await old.SaveAsync(_bench.Store);
        var plan = old.Plan(_ => [RestoreBench.Storage]);
        var world = new TestWorld(to);
        foreach (var rank in world.Ranks)
        {
            var image = await _bench.RebuildAsync(plan, rank, world.LayoutOf(rank, withOwn: false), bufferBytes: 2048);
            Assert.Equal(world.ImageOf(rank, withOwn: false), image);
        }

        Assert.Empty(_bench.Journal.Faults);
    }

    [Fact]
    public async Task Peers_AnotherWorldWithBadBytesHereAndThere_GivesTheSameModel()
    {
        var old = new TestWorld(3);
        await old.SaveAsync(_bench.Store);
        await using var peer = await FakePeer.StartAsync(old);
        peer.Mangle = (rank, image) => image[1024 + (1500 * rank.Value)] ^= 0x80;
        RestoreBench.Flip(_bench.Files("000002-000000.pack")[0], 64 + (32 * 5) + 16 + 100);
        var plan = old.Plan(_ => [RestoreBench.Storage, RestoreBench.Memory(peer)]);
        var world = new TestWorld(2);
        foreach (var rank in world.Ranks)
        {
            Assert.Equal(
                world.ImageOf(rank, withOwn: false),
                await _bench.RebuildAsync(plan, rank, world.LayoutOf(rank, withOwn: false)));
        }

        Assert.Contains(_bench.Journal.Faults, fault => fault.Message.Contains("chunk_corrupt", StringComparison.Ordinal));
        Assert.True(_bench.Journal.BytesFrom(SourceKind.PeerMemory) > 0);
    }

    [Fact]
    public async Task Storage_ATensorThatBelongsToAnotherRank_IsImpossibleByName()
    {
        var old = new TestWorld(2);
        await old.SaveAsync(_bench.Store);
        var world = new TestWorld(3);

        var error = await Assert.ThrowsAnyAsync<CheckpointerException>(() => _bench.RebuildAsync(
            old.Plan(_ => [RestoreBench.Storage]), new Rank(2), world.LayoutOf(new Rank(2))));
        Assert.Equal(ErrorCode.RestoreImpossible, error.Code);
        Assert.Contains("own", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Storage_ALayoutMissing_IsImpossible()
    {
        var old = new TestWorld(2);
        await old.SaveAsync(_bench.Store);
        File.Delete(_bench.Files(old.LayoutOf(new Rank(0)).Digest + ".json")[0]);

        var error = await Assert.ThrowsAnyAsync<CheckpointerException>(() => _bench.RebuildAsync(
            old.Plan(_ => [RestoreBench.Storage]), new Rank(0), new TestWorld(3).LayoutOf(new Rank(0), withOwn: false)));
        Assert.Equal(ErrorCode.RestoreImpossible, error.Code);
        Assert.Contains(_bench.Journal.Faults, fault => fault.Message.Contains("layout_invalid", StringComparison.Ordinal));
    }
}
