using Checkpointer.Formats.Errors;
using Checkpointer.TestKit;

namespace Checkpointer.Storage.Tests.Conformance;

/// <summary>The contract of <see cref="IObjectStore"/>, for every implementation and decorator.</summary>
public abstract class ObjectStoreConformance
{
    private static readonly ObjectKey Key = new("runs/r/checkpoints/000001.000001/MANIFEST.json");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>A new, empty store.</summary>
    internal abstract IObjectStore Store { get; }

    [Fact]
    public async Task PutAsync_SegmentsOfAllSizes_ReadBackInOrder()
    {
        var bytes = TestBytes.Make(20 << 20, seed: 1);
        int[] cuts = [0, 0, 1, 5, 8 << 20, (8 << 20) + 1, 17 << 20, bytes.Length];
        var segments = cuts.Zip(cuts.Skip(1), (a, b) => (ReadOnlyMemory<byte>)bytes.AsMemory(a, b - a)).ToList();

        await Store.PutAsync(Key, new ObjectContent(segments), Cancel);

        Assert.Equal(bytes, await Store.ReadAllAsync(Key, bytes.Length, Cancel));
    }

    [Fact]
    public async Task PutAsync_MoreSegmentsThanOneSystemCallTakes_ReadBackInOrder()
    {
        var bytes = TestBytes.Make(5000, seed: 2);
        var segments = Enumerable.Range(0, bytes.Length).Select(i => (ReadOnlyMemory<byte>)bytes.AsMemory(i, 1)).ToList();

        await Store.PutAsync(Key, new ObjectContent(segments), Cancel);

        Assert.Equal(bytes, await Store.ReadAllAsync(Key, bytes.Length, Cancel));
    }

    [Fact]
    public async Task PutAsync_Empty_IsAnObject()
    {
        await Store.PutAsync(Key, new ObjectContent(ReadOnlyMemory<byte>.Empty), Cancel);

        Assert.Equal(0, (await Store.HeadAsync(Key, Cancel))!.Value.SizeBytes);
        Assert.Empty(await Store.ReadAllAsync(Key, 0, Cancel));
    }

    [Fact]
    public async Task PutAsync_Twice_Replaces()
    {
        await PutAsync(Key, 100, seed: 3);
        var second = await PutAsync(Key, 50, seed: 4);

        Assert.Equal(second, await Store.ReadAllAsync(Key, 100, Cancel));
    }

    [Fact]
    public async Task PutIfAbsentAsync_Present_ChangesNothing()
    {
        var first = TestBytes.Make(10, seed: 5);

        Assert.Equal(PutOutcome.Created, await Store.PutIfAbsentAsync(Key, new ObjectContent(first), Cancel));
        Assert.Equal(
            PutOutcome.AlreadyExists,
            await Store.PutIfAbsentAsync(Key, new ObjectContent(TestBytes.Make(11, seed: 6)), Cancel));
        Assert.Equal(first, await Store.ReadAllAsync(Key, 100, Cancel));
    }

    [Fact]
    public async Task PutIfAbsentAsync_ManyAtOnce_ExactlyOneCreates()
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 16).Select(
            i => Store.PutIfAbsentAsync(Key, new ObjectContent(TestBytes.Make(1000 + i, i)), Cancel)));

        var creator = Assert.Single(Enumerable.Range(0, 16), i => outcomes[i] == PutOutcome.Created);
        Assert.Equal(TestBytes.Make(1000 + creator, creator), await Store.ReadAllAsync(Key, 2000, Cancel));
    }

    [Fact]
    public async Task PutIfAbsentOrVerifyAsync_EqualThenDifferent_SucceedsThenConflicts()
    {
        var bytes = TestBytes.Make(10, seed: 7);
        var other = TestBytes.Make(10, seed: 8);

        Assert.Equal(PutOutcome.Created, await Store.PutIfAbsentOrVerifyAsync(Key, bytes, Cancel));
        Assert.Equal(PutOutcome.AlreadyExists, await Store.PutIfAbsentOrVerifyAsync(Key, bytes, Cancel));
        await FailsAsync(ErrorCode.CheckpointConflict, () => Store.PutIfAbsentOrVerifyAsync(Key, other, Cancel));
        await FailsAsync(ErrorCode.CheckpointConflict, () => Store.PutIfAbsentOrVerifyAsync(Key, other.AsMemory(1), Cancel));
    }

    [Fact]
    public async Task ReadAsync_Ranges_FillExactly()
    {
        var bytes = await PutAsync(Key, 1000, seed: 9);
        var range = new byte[400];

        await Store.ReadAsync(Key, 600, range, Cancel);

        Assert.Equal(bytes[600..], range);
    }

    [Fact]
    public async Task ReadAsync_OneByteBeyondTheEnd_FailsForGood()
    {
        await PutAsync(Key, 1000, seed: 10);

        await FailsAsync(ErrorCode.StorageFailed, () => Store.ReadAsync(Key, 600, new byte[401], Cancel));
        await FailsAsync(ErrorCode.StorageFailed, () => Store.ReadAsync(Key, 5000, new byte[1], Cancel));
    }

    [Fact]
    public async Task ReadAsync_Missing_IsNotFound()
    {
        await FailsAsync(ErrorCode.NotFound, () => Store.ReadAsync(Key, 0, new byte[1], Cancel));
        await FailsAsync(ErrorCode.NotFound, () => Store.ReadAllAsync(Key, 1, Cancel));
        Assert.Null(await Store.HeadAsync(Key, Cancel));
    }

    [Fact]
    public async Task ReadAllAsync_OneByteOverTheLimit_IsRefused()
    {
        await PutAsync(Key, 1000, seed: 11);

        Assert.Equal(1000, (await Store.ReadAllAsync(Key, 1000, Cancel)).Length);
        await FailsAsync(ErrorCode.LimitExceeded, () => Store.ReadAllAsync(Key, 999, Cancel));
    }

    [Fact]
    public async Task ListAsync_Prefixes_GiveOrdinalOrder()
    {
        string[] keys = ["runs/a-b", "runs/a/x", "runs/a0", "runs/a/B", "runs/a.json", "other/z", "runs/b/c/d/e", "Z"];
        foreach (var key in keys)
        {
            await PutAsync(new ObjectKey(key), 3, seed: 12);
        }

        foreach (var prefix in new[] { "", "runs/", "runs/a", "runs/a/", "run", "runs/b/c", "none/", "../", "/", ".tmp/", "a//b" })
        {
            var expected = keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal);
            Assert.Equal(expected, await ListAsync(prefix));
        }
    }

    [Fact]
    public async Task DeleteAsync_TwiceAndRepeatedPut_Works()
    {
        await PutAsync(Key, 10, seed: 13);

        await Store.DeleteAsync(Key, Cancel);
        await Store.DeleteAsync(Key, Cancel);

        Assert.Null(await Store.HeadAsync(Key, Cancel));
        Assert.Empty(await ListAsync(""));
        Assert.Equal(
            PutOutcome.Created, await Store.PutIfAbsentAsync(Key, new ObjectContent(TestBytes.Make(1, 14)), Cancel));
    }

    [Fact]
    public async Task PutAsync_WhileNeighboursAreDeleted_NeverFails()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async worker =>
        {
            var mine = new ObjectKey($"runs/r/shared/folder/{worker}");
            for (var round = 0; round < 20; round++)
            {
                await PutAsync(mine, 100, seed: worker);
                await Store.DeleteAsync(mine, Cancel);
            }
        }));

        Assert.Empty(await ListAsync(""));
    }

    [Fact]
    public async Task PutAsync_Cancelled_LeavesNothing()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Store.PutAsync(Key, new ObjectContent(TestBytes.Make(10, 15)), cancelled.Token));
        Assert.Null(await Store.HeadAsync(Key, Cancel));
    }

    private protected static async Task FailsAsync(ErrorCode code, Func<Task> action)
    {
        var failure = await Assert.ThrowsAsync<CheckpointerException>(action);
        Assert.Equal((code, false), (failure.Code, failure.IsTransient));
    }

    private async Task<byte[]> PutAsync(ObjectKey key, int length, int seed)
    {
        var bytes = TestBytes.Make(length, seed);
        await Store.PutAsync(key, new ObjectContent(bytes), Cancel);
        return bytes;
    }

    private async Task<List<string>> ListAsync(string prefix)
    {
        var keys = new List<string>();
        await foreach (var found in Store.ListAsync(prefix, Cancel))
        {
            keys.Add(found.Key.Value);
        }

        return keys;
    }
}
