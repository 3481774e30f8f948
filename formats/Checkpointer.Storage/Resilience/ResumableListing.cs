using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.Resilience;

/// <summary>
/// A listing that goes on after a step has failed or was cancelled: it starts again and leaves out what was given already.
/// One step at a time.
/// </summary>
internal sealed class ResumableListing(IObjectStore store, string prefix) : IAsyncDisposable
{
    private IAsyncEnumerator<ObjectInfo>? _source;
    private CancellationTokenSource? _ending;
    private string? _last;

    /// <summary>What the last step gave.</summary>
    public ObjectInfo Current { get; private set; }

    /// <summary>Takes a step; <paramref name="cancellationToken"/> is that step's own.</summary>
    public async Task<bool> MoveNextAsync(CancellationToken cancellationToken)
    {
        if (_source is null)
        {
            _ending = new CancellationTokenSource();
            _source = store.ListAsync(prefix, _ending.Token).GetAsyncEnumerator(_ending.Token);
        }

        try
        {
            var more = false;
            using (cancellationToken.UnsafeRegister(static ending => ((CancellationTokenSource)ending!).Cancel(), _ending))
            {
                more = await StepAsync().ConfigureAwait(false);
            }

            if (_ending!.IsCancellationRequested)
            {
                // Too late for this step, which has ended well; the next one must not suffer for it.
                await DisposeAsync().ConfigureAwait(false);
            }

            return more;
        }
        catch (Exception e) when (e is CheckpointerException or OperationCanceledException)
        {
            await DisposeAsync().ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_source is { } source)
        {
            _source = null;
            await source.DisposeAsync().ConfigureAwait(false);
            _ending?.Dispose();
        }
    }

    private async Task<bool> StepAsync()
    {
        while (await _source!.MoveNextAsync().ConfigureAwait(false))
        {
            if (_last is null || string.CompareOrdinal(_source.Current.Key.Value, _last) > 0)
            {
                Current = _source.Current;
                _last = Current.Key.Value;
                return true;
            }
        }

        return false;
    }
}
