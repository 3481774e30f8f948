using Checkpointer.Storage;
using Checkpointer.Storage.S3;

namespace Checkpointer.S3.Tests.Objects;

public sealed class SegmentsContentTests
{
    private static readonly byte[] Bytes = [1, 2, 3, 4, 5];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task CopyToAsync_Twice_SendsTheSegmentsAsTheyLie()
    {
        using var watch = new StallWatch(TimeSpan.FromSeconds(30), TimeProvider.System, Cancel);
        using var content = new SegmentsContent(new ObjectContent([Bytes.AsMemory(0, 2), default, Bytes.AsMemory(2)]), watch);
        var gate = new GatedStream();
        gate.Open();

        await content.CopyToAsync(gate, Cancel);
        await content.CopyToAsync(gate, Cancel);

        Assert.Equal(5, content.Headers.ContentLength);
        Assert.Equal([.. Bytes, .. Bytes], gate.Written);
        Assert.True(gate.Sources.All(memory => System.Runtime.InteropServices.MemoryMarshal.TryGetArray(memory, out var array) && array.Array == Bytes));
    }

    [Fact]
    public async Task EndAsync_WhileSending_WaitsUntilTheMemoryIsLeftAlone()
    {
        using var watch = new StallWatch(TimeSpan.FromSeconds(30), TimeProvider.System, Cancel);
        using var content = new SegmentsContent(new ObjectContent([Bytes.AsMemory(0, 2), Bytes.AsMemory(2)]), watch);
        var gate = new GatedStream();
        var sending = content.CopyToAsync(gate, Cancel);

        var ending = content.EndAsync();
        Assert.False(ending.IsCompleted);
        gate.Open();
        await ending;

        Assert.Equal(Bytes[..2], gate.Written);
        await Assert.ThrowsAnyAsync<Exception>(() => sending);
    }

    [Fact]
    public async Task CopyToAsync_AfterTheEnd_SendsNothing()
    {
        using var watch = new StallWatch(TimeSpan.FromSeconds(30), TimeProvider.System, Cancel);
        using var content = new SegmentsContent(new ObjectContent(Bytes), watch);
        var gate = new GatedStream();
        gate.Open();

        await content.EndAsync();

        await Assert.ThrowsAnyAsync<Exception>(() => content.CopyToAsync(gate, Cancel));
        Assert.Empty(gate.Written);
    }

    /// <summary>Takes what is written only once it is open, whatever the token says: as a socket in the middle of a send.</summary>
    private sealed class GatedStream : MemoryStream
    {
        private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public List<ReadOnlyMemory<byte>> Sources { get; } = [];

        public byte[] Written => ToArray();

        public void Open() => _open.SetResult();

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Sources.Add(buffer);
            if (!_open.Task.IsCompleted)
            {
                await _open.Task;
            }
            else
            {
                cancellationToken.ThrowIfCancellationRequested();
            }

            Write(buffer.Span);
        }
    }
}
