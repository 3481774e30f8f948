using System.Net;

namespace Checkpointer.Storage.S3;

/// <summary>
/// A request body straight from the caller's memory: nothing is copied or kept, and it can be sent any number of times.
/// The caller's memory must not be read once the put has ended, and <see cref="HttpClient"/> alone does not promise
/// that: where an answer comes (or the connection breaks) before the body is through, it goes its way and leaves the
/// sending to itself. <see cref="EndAsync"/> waits for that.
/// </summary>
internal sealed class SegmentsContent : HttpContent
{
    // So small that a slow connection is seen to move; so large that the pieces cost nothing.
    private const int SliceBytes = 128 << 10;

    private readonly ObjectContent _content;
    private readonly StallWatch _watch;
    private readonly CancellationTokenSource _ended = new();
    private readonly Lock _gate = new();
    private TaskCompletionSource? _idle;
    private int _sending;

    public SegmentsContent(ObjectContent content, StallWatch watch)
    {
        (_content, _watch) = (content, watch);
        Headers.ContentLength = content.LengthBytes;
    }

    /// <summary>Stops what is still being sent; on return the caller's memory is not touched any more.</summary>
    public async Task EndAsync()
    {
        Task? idle = null;
        lock (_gate)
        {
            if (_sending > 0)
            {
                _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                idle = _idle.Task;
            }
        }

        await _ended.CancelAsync().ConfigureAwait(false);
        if (idle is not null)
        {
            await idle.ConfigureAwait(false);
        }
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(
        Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _ended.Token.ThrowIfCancellationRequested();
            _sending++;
        }

        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _ended.Token);
            _watch.Sending(_content.LengthBytes);
            foreach (var segment in _content.Segments)
            {
                for (var rest = segment; !rest.IsEmpty;)
                {
                    _ended.Token.ThrowIfCancellationRequested();
                    var slice = rest[..Math.Min(rest.Length, SliceBytes)];
                    await stream.WriteAsync(slice, either.Token).ConfigureAwait(false);
                    _watch.Sent(slice.Length);
                    rest = rest[slice.Length..];
                }
            }

            _watch.SentAll();
        }
        finally
        {
            lock (_gate)
            {
                if (--_sending == 0)
                {
                    _idle?.TrySetResult();
                }
            }
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _content.LengthBytes;
        return true;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _ended.Dispose();
        }

        base.Dispose(disposing);
    }
}
