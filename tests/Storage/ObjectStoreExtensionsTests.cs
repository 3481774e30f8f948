using Checkpointer.Formats.Errors;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Stores;

namespace Checkpointer.Storage.Tests;

public sealed class ObjectStoreExtensionsTests
{
    private static readonly ObjectKey Key = new("runs/r/x");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>The put whose answer was lost is there, and comparing it meets a wrong bit on the way: no conflict.</summary>
    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    public async Task PutIfAbsentOrVerifyAsync_WrongBitInOneRead_ReadsOnceMore(int wrongReads, int reads)
    {
        var store = new NoisyStore { WrongReads = wrongReads };
        var bytes = TestBytes.Make(100, seed: 1);
        await store.PutAsync(Key, new ObjectContent(bytes), Cancel);

        Assert.Equal(PutOutcome.AlreadyExists, await store.PutIfAbsentOrVerifyAsync(Key, bytes, Cancel));
        Assert.Equal(reads, store.Reads);
    }

    [Fact]
    public async Task PutIfAbsentOrVerifyAsync_DifferentTwice_IsAConflict()
    {
        var store = new NoisyStore();
        await store.PutAsync(Key, new ObjectContent(TestBytes.Make(100, seed: 1)), Cancel);

        var failure = await Assert.ThrowsAsync<CheckpointerException>(
            () => store.PutIfAbsentOrVerifyAsync(Key, TestBytes.Make(100, seed: 2), Cancel));
        Assert.Equal(ErrorCode.CheckpointConflict, failure.Code);
        Assert.Equal(2, store.Reads);
    }

    /// <summary>Flips a bit in the first few reads.</summary>
    private sealed class NoisyStore() : MemoryObjectStore(TimeProvider.System)
    {
        public int WrongReads { get; init; }

        public int Reads { get; private set; }

        public override async Task ReadAsync(ObjectKey key, long offset, Memory<byte> destination, CancellationToken cancellationToken)
        {
            await base.ReadAsync(key, offset, destination, cancellationToken);
            if (Reads++ < WrongReads)
            {
                destination.Span[^1] ^= 1;
            }
        }
    }
}
