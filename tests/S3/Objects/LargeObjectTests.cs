using System.Globalization;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage;
using Checkpointer.Storage.S3;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Ceph;
using Checkpointer.TestKit.Processes;

namespace Checkpointer.S3.Tests.Objects;

public sealed class LargeObjectTests : IAsyncLifetime
{
    public const string Child = "largest-object";

    private const int SegmentBytes = 4 << 20;
    private const int Segments = 64;
    private static readonly ObjectKey Key = new("runs/r/x.pack");
    private Bucket? _bucket;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private Bucket Bucket => _bucket!;

    public async ValueTask InitializeAsync() => _bucket = await Bucket.NewAsync(await CephGateway.GetAsync(Cancel));

    public ValueTask DisposeAsync() => Bucket.DisposeAsync();

    [Fact]
    public async Task PutAsync_OneByteOverTheLimit_IsRefusedBeforeAnythingIsSent()
    {
        var segment = new byte[1 << 20];
        var many = Enumerable.Repeat((ReadOnlyMemory<byte>)segment, (int)(S3ObjectStore.MaxObjectBytes / segment.Length)).ToList();

        var failure = await Assert.ThrowsAsync<CheckpointerException>(
            () => Bucket.Store.PutAsync(Key, new ObjectContent([.. many, segment.AsMemory(0, 1)]), Cancel));

        Assert.Equal((ErrorCode.LimitExceeded, false), (failure.Code, failure.IsTransient));
        Assert.Contains($"{S3ObjectStore.MaxObjectBytes + 1} bytes", failure.Message, StringComparison.Ordinal);
        Assert.Null(await Bucket.Store.HeadAsync(Key, Cancel));
    }

    [Fact]
    public async Task ReadAsync_AroundTheEnd_IsExactOrFails()
    {
        var bytes = TestBytes.Make(5_000_000, seed: 31);
        await Bucket.Store.PutAsync(Key, new ObjectContent(bytes), Cancel);

        foreach (var (offset, length) in new[] { (4_999_999, 1), (4_999_000, 1000), (1, 4_999_999), (0, 5_000_000), (2_500_000, 1), (5_000_000, 0) })
        {
            var memory = new byte[length];
            await Bucket.Store.ReadAsync(Key, offset, memory, Cancel);
            Assert.Equal(bytes[offset..(offset + length)], memory);
        }

        foreach (var (offset, length) in new[] { (4_999_999, 2), (0, 5_000_001), (5_000_000, 1), (5_000_001, 0), (9_000_000, 10) })
        {
            var failure = await Assert.ThrowsAsync<CheckpointerException>(() => Bucket.Store.ReadAsync(Key, offset, new byte[length], Cancel));
            Assert.Equal((ErrorCode.StorageFailed, false), (failure.Code, failure.IsTransient));
        }
    }

    /// <summary>In a process of its own, where nobody else allocates.</summary>
    [Fact]
    public async Task PutAndReadAsync_256MiB_AllocateNextToNothing()
    {
        var result = await ChildProcess.RunAsync(Child, [Bucket.Url], crashAt: null, Cancel);

        Assert.True(result.ExitCode == 0, result.ToString());
        var allocated = result.Output.Split(' ').Select(number => long.Parse(number, CultureInfo.InvariantCulture)).ToList();
        Assert.All(allocated, bytes => Assert.InRange(bytes, 1, 2 << 20));
    }

    /// <summary>Prints how many bytes a put and a read of 256 MiB allocated.</summary>
    public static async Task<int> MeasureAsync(string[] arguments)
    {
        using var store = Bucket.Open(arguments[0]);
        var segment = TestBytes.Make(SegmentBytes, seed: 32);
        var content = new ObjectContent(Enumerable.Repeat((ReadOnlyMemory<byte>)segment, Segments).ToList());
        var memory = new byte[Segments * SegmentBytes];
        await store.PutAsync(new ObjectKey("warm-up"), new ObjectContent(segment), CancellationToken.None);
        await store.ReadAsync(new ObjectKey("warm-up"), 0, memory.AsMemory(0, segment.Length), CancellationToken.None);

        var start = GC.GetTotalAllocatedBytes(precise: true);
        await store.PutAsync(Key, content, CancellationToken.None);
        var afterPut = GC.GetTotalAllocatedBytes(precise: true);
        await store.ReadAsync(Key, 0, memory, CancellationToken.None);
        var afterRead = GC.GetTotalAllocatedBytes(precise: true);

        Console.Out.Write(string.Create(CultureInfo.InvariantCulture, $"{afterPut - start} {afterRead - afterPut}"));
        return Enumerable.Range(0, Segments).All(i => memory.AsSpan(i * SegmentBytes, SegmentBytes).SequenceEqual(segment)) ? 0 : 1;
    }
}
