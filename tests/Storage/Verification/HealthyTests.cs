using Checkpointer.Formats.Errors;
using Checkpointer.Storage.Verification;
using Checkpointer.TestKit.Checkpoints;

namespace Checkpointer.Storage.Tests.Verification;

/// <summary>What is whole is called good, every byte of it having been read once.</summary>
public sealed class HealthyTests : IDisposable
{
    private readonly VerifiedRun _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task Verify_WholeCheckpoint_IsGoodAndCounted()
    {
        var checkpoint = await _world.Run.SaveAsync(10);

        var found = await _world.VerifyAsync(checkpoint);

        Assert.Empty(found.Findings);
        Assert.False(found.IsDamaged);
        Assert.True(found.IsComplete);
        var indices = _world.Run.Ranks.Select(_world.Run.IndexOf).ToList();
        Assert.Equal(2, found.Shards);
        Assert.Equal(indices.Sum(index => index.Packs.Count), found.Packs);
        Assert.Equal(indices.Sum(index => index.Geometry.CountIn(index.StoredBytes)), found.Chunks);
        Assert.Equal(indices.Sum(index => index.Chunks.Sum(chunk => (long)chunk.StoredBytes)), found.Bytes);
    }

    [Fact]
    public async Task VerifyAll_ReadsEveryChunkOnce()
    {
        var checkpoints = new[] { await _world.Run.SaveAsync(10), await _world.Run.SaveAsync(20), await _world.Run.SaveAsync(30) };
        var store = new ReadLog(_world.Store);

        var found = await _world.VerifyAllAsync(checkpoints, store);

        Assert.All(found, verification => Assert.True(verification is { IsDamaged: false, IsComplete: true }));
        var chunkReads = store.Reads.Where(read => read.Key.EndsWith(".pack", StringComparison.Ordinal) && read.Offset > 0).ToList();
        Assert.Equal(chunkReads.Count, chunkReads.Distinct().Count());
        var packs = await _world.Store.ListAsync("runs/sft-demo/packs/", VerifiedRun.Cancel).ToListAsync(VerifiedRun.Cancel);
        var headers = packs.Sum(pack => 80 + (32 * ((pack.SizeBytes - 80) / (StoredRun.ChunkBytes + 32))));
        Assert.InRange(chunkReads.Sum(read => (long)read.Length), 1, packs.Sum(pack => pack.SizeBytes) - (headers / 2));
        Assert.True(found[1].BytesRead < found[1].Bytes, "what step 10 and 20 share was read for step 10");
        Assert.True(found.Sum(verification => verification.Bytes) > chunkReads.Sum(read => (long)read.Length));
    }

    [Fact]
    public async Task Verify_ReadsNeighboursTogether()
    {
        var checkpoint = await _world.Run.SaveAsync(10);
        var store = new ReadLog(_world.Store);

        var found = await _world.VerifyAsync(checkpoint, store);

        Assert.Equal(found.Packs, store.Reads.Count(read => read.Key.EndsWith(".pack", StringComparison.Ordinal) && read.Offset > 0));
    }

    [Fact]
    public async Task Verify_ManyPartsAtOnce_FindsTheSame()
    {
        var checkpoint = await _world.Run.SaveAsync(10);
        var (key, offset) = _world.Run.PlaceOf(new(1), 3);
        await _world.FlipBitAsync(key, offset);

        var serial = await _world.VerifyAsync(checkpoint, options: new VerificationOptions { Parallelism = 1 });
        var parallel = await _world.VerifyAsync(checkpoint, options: new VerificationOptions { Parallelism = 256, BufferBytes = 1 << 20 });

        Assert.Equal(Assert.Single(serial.Findings).Detail, Assert.Single(parallel.Findings).Detail);
        Assert.Equal((serial.Chunks, serial.BytesRead), (parallel.Chunks, parallel.BytesRead));
    }

    [Fact]
    public async Task Progress_EndsAtItsTotal()
    {
        var checkpoints = new[] { await _world.Run.SaveAsync(10), await _world.Run.SaveAsync(20) };
        var last = new Progresses();

        var found = await _world.VerifyAllAsync(checkpoints, progress: last);

        Assert.Equal(last.Newest.BytesTotal, last.Newest.BytesDone);
        Assert.Equal(found.Sum(verification => verification.Bytes), last.Newest.BytesDone);
        Assert.Equal(found.Sum(verification => verification.BytesRead), last.Newest.BytesRead);
        Assert.Equal(0, last.Newest.Faults);
    }

    [Fact]
    public async Task Rate_IsKept()
    {
        using var world = new VerifiedRun(worldSize: 8);
        var checkpoint = await world.Run.SaveAsync(10);
        var options = new VerificationOptions { BytesPerSecond = VerificationOptions.MinBytesPerSecond, ReadBytes = 64 << 10 };

        var found = await world.VerifyAsync(checkpoint, options: options);

        // One second's bytes are in the bucket at the start.
        var least = ((double)found.Bytes / VerificationOptions.MinBytesPerSecond) - 1.1;
        Assert.True(found.Elapsed.TotalSeconds >= least && least > 1, $"{found.Bytes} bytes took {found.Elapsed}");
    }

    [Fact]
    public async Task Options_ThatMakeNoSense_AreNamed()
    {
        var checkpoint = await _world.Run.SaveAsync(10);

        var e = await Assert.ThrowsAsync<CheckpointerException>(
            () => _world.VerifyAsync(checkpoint, options: new VerificationOptions { Parallelism = 257 }));

        Assert.Equal(ErrorCode.ConfigurationInvalid, e.Code);
        Assert.Contains("Parallelism", e.Message, StringComparison.Ordinal);
    }

    // IProgress of the framework would report later, on another thread.
    private sealed class Progresses : IProgress<VerificationProgress>
    {
        private readonly Lock _gate = new();

        public VerificationProgress Newest { get; private set; }

        public void Report(VerificationProgress value)
        {
            lock (_gate)
            {
                Newest = value.BytesDone >= Newest.BytesDone ? value : Newest;
            }
        }
    }
}
