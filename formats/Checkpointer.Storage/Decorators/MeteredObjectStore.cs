using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.Resilience;

namespace Checkpointer.Storage.Decorators;

/// <summary>
/// Measures every call: see <see cref="StoreTelemetry"/> for the names. Inside <see cref="ResilientObjectStore"/> it
/// counts attempts, around it calls as the caller sees them.
/// </summary>
public sealed class MeteredObjectStore : IObjectStore
{
    // A pack of 256 MiB takes from a tenth of a second to a minute; metadata takes milliseconds.
    private static readonly InstrumentAdvice<double> Buckets = new()
    {
        HistogramBucketBoundaries = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100],
    };

    private readonly IObjectStore _inner;
    private readonly TimeProvider _timeProvider;
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _bytes;
    private readonly Counter<long> _errors;

    /// <summary>Wraps <paramref name="inner"/>, measuring into <paramref name="meter"/> (usually <see cref="StoreTelemetry.Meter"/>).</summary>
    public MeteredObjectStore(IObjectStore inner, Meter meter, TimeProvider timeProvider)
    {
        ArgumentNullException.ThrowIfNull(meter);
        _inner = inner;
        _timeProvider = timeProvider;
        _duration = meter.CreateHistogram(
            StoreTelemetry.Duration, "s", "How long calls to the object store took.", advice: Buckets);
        _bytes = meter.CreateCounter<long>(StoreTelemetry.Bytes, "By", "Bytes moved to and from the object store.");
        _errors = meter.CreateCounter<long>(StoreTelemetry.Errors, "{error}", "Calls to the object store that failed.");
    }

    /// <inheritdoc/>
    public string Description => _inner.Description;

    /// <inheritdoc/>
    public async Task PutAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        _ = await MeasureAsync("put", key.Value, content.LengthBytes, async () =>
        {
            await _inner.PutAsync(key, content, cancellationToken).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public Task<PutOutcome> PutIfAbsentAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        return MeasureAsync(
            "put_if_absent",
            key.Value,
            content.LengthBytes,
            () => _inner.PutIfAbsentAsync(key, content, cancellationToken),
            static outcome => outcome == PutOutcome.Created);
    }

    /// <inheritdoc/>
    public async Task ReadAsync(ObjectKey key, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        _ = await MeasureAsync("read", key.Value, destination.Length, async () =>
        {
            await _inner.ReadAsync(key, offset, destination, cancellationToken).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false);

    /// <inheritdoc/>
    public Task<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken) =>
        MeasureAsync("head", key.Value, 0, () => _inner.HeadAsync(key, cancellationToken));

    /// <inheritdoc/>
    /// <remarks>Each step of the listing is measured for itself: the time the caller spends between them is not the store's.</remarks>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var source = _inner.ListAsync(prefix, cancellationToken).GetAsyncEnumerator(cancellationToken);
        await using (source.ConfigureAwait(false))
        {
            while (await MeasureAsync("list", prefix, 0, () => source.MoveNextAsync().AsTask()).ConfigureAwait(false))
            {
                yield return source.Current;
            }
        }
    }

    /// <inheritdoc/>
    public async Task DeleteAsync(ObjectKey key, CancellationToken cancellationToken) =>
        _ = await MeasureAsync("delete", key.Value, 0, async () =>
        {
            await _inner.DeleteAsync(key, cancellationToken).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false);

    private async Task<T> MeasureAsync<T>(
        string operation, string key, long bytes, Func<Task<T>> call, Func<T, bool>? movedBytes = null)
    {
        using var span = StoreTelemetry.Spans.StartActivity($"checkpointer.store.{operation}", ActivityKind.Client);
        span?.SetTag("checkpointer.store.key", key);
        var started = _timeProvider.GetTimestamp();
        var outcome = "internal";
        try
        {
            var result = await call().ConfigureAwait(false);
            outcome = "ok";
            if (bytes > 0 && movedBytes?.Invoke(result) != false)
            {
                _bytes.Add(bytes, new KeyValuePair<string, object?>("operation", operation));
            }

            return result;
        }
        catch (OperationCanceledException)
        {
            outcome = "cancelled";
            throw;
        }
        catch (CheckpointerException e)
        {
            outcome = JsonNamingPolicy.SnakeCaseLower.ConvertName(e.Code.ToString());
            span?.SetStatus(ActivityStatusCode.Error, outcome);
            _errors.Add(
                1,
                new KeyValuePair<string, object?>("operation", operation),
                new KeyValuePair<string, object?>("code", outcome),
                new KeyValuePair<string, object?>("transient", e.IsTransient));
            throw;
        }
        finally
        {
            _duration.Record(
                _timeProvider.GetElapsedTime(started).TotalSeconds,
                new KeyValuePair<string, object?>("operation", operation),
                new KeyValuePair<string, object?>("outcome", outcome));
        }
    }
}
