using Checkpointer.Agent.Restoring;
using Checkpointer.Agent.Tests.Worlds;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Storage;
using Checkpointer.Storage.Repository;
using Checkpointer.TestKit.Stores;

namespace Checkpointer.Agent.Tests.Restoring;

/// <summary>Chunks that lie in several packs are read side by side, and the caller's memory is its own afterwards.</summary>
public sealed class StorageImageSourceTests
{
    private static readonly Rank One = new(1);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly TestWorld _world = new(2);
    private readonly HeldStore _store = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ReadAsync_ChunksInTwoPacks_AreReadSideBySide()
    {
        var (read, image) = await BeginAsync();
        await _store.TwoBegan.Task.WaitAsync(Deadline, Cancel);
        Assert.False(read.IsCompleted);
        _store.Release.SetResult();

        await read.WaitAsync(Deadline, Cancel);
        Assert.Equal(_world.ImageOf(One)[..image.Length], image);
    }

    [Fact]
    public async Task ReadAsync_OneFails_EndsWhenTheOthersHave()
    {
        _store.FailsFirst = true;
        var (read, _) = await BeginAsync();
        await _store.TwoBegan.Task.WaitAsync(Deadline, Cancel);
        Assert.False(read.IsCompleted);
        _store.Release.SetResult();

        var failure = await Assert.ThrowsAsync<CheckpointerException>(() => read.WaitAsync(Deadline, Cancel));
        Assert.Equal(ErrorCode.StorageUnavailable, failure.Code);
        Assert.Equal(0, _store.Reading);
    }

    /// <summary>Begins to read all whole chunks that rank 1 stored.</summary>
    private async Task<(Task Read, byte[] Image)> BeginAsync()
    {
        await _world.SaveAsync(_store);
        var layout = _world.LayoutOf(One);
        var source = new StorageImageSource(
            new StoredCheckpoint(_store, TestWorld.Run, TestWorld.Checkpoint, Cancel), One, layout.Digest);
        Assert.NotNull(await source.OpenAsync(Cancel));
        var count = (int)(layout.StoredBytes / TestWorld.DefaultChunkBytes);
        var image = new byte[count * TestWorld.DefaultChunkBytes];
        return (source.ReadAsync(0, count, image, Cancel), image);
    }

    /// <summary>Holds reads of packs until they are released; the first may fail at once.</summary>
    private sealed class HeldStore() : MemoryObjectStore(TimeProvider.System)
    {
        private int _began;
        private int _reading;

        public bool FailsFirst { get; set; }

        public int Reading => _reading;

        public TaskCompletionSource TwoBegan { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Release { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async Task ReadAsync(ObjectKey key, long offset, Memory<byte> destination, CancellationToken cancellationToken)
        {
            if (!key.Value.EndsWith(".pack", StringComparison.Ordinal))
            {
                await base.ReadAsync(key, offset, destination, cancellationToken);
                return;
            }

            var began = Interlocked.Increment(ref _began);
            if (began == 2)
            {
                TwoBegan.SetResult();
            }

            if (began == 1 && FailsFirst)
            {
                throw new CheckpointerException(ErrorCode.StorageUnavailable, "away", isTransient: true);
            }

            Interlocked.Increment(ref _reading);
            await Release.Task.WaitAsync(cancellationToken);
            await base.ReadAsync(key, offset, destination, cancellationToken);
            Interlocked.Decrement(ref _reading);
        }
    }
}
