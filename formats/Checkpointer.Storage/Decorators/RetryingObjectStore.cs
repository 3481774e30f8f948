using System.Runtime.CompilerServices;
using Checkpointer.Formats.Errors;
using Polly;
using Polly.Retry;

namespace Checkpointer.Storage.Decorators;

/// <summary>
/// Repeats calls whose failure is transient, with exponential backoff and jitter; the only place where storage is
/// retried. A put-if-absent whose answer was lost is repeated too and may then say
/// <see cref="PutOutcome.AlreadyExists"/> of the object it created itself: the caller compares
/// (<see cref="ObjectStoreExtensions.PutIfAbsentOrVerifyAsync"/>).
/// </summary>
public sealed class RetryingObjectStore : IObjectStore
{
    private readonly IObjectStore _inner;
    private readonly ResiliencePipeline _pipeline;

    /// <summary>Wraps <paramref name="inner"/>. <paramref name="random"/> gives the jitter and is used under a lock.</summary>
    public RetryingObjectStore(IObjectStore inner, RetryOptions options, TimeProvider timeProvider, Random random)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(random);
        options.Validate();
        _inner = inner;
        var builder = new ResiliencePipelineBuilder { TimeProvider = timeProvider };
        if (options.MaxAttempts > 1)
        {
            var gate = new Lock();
            builder.AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = new PredicateBuilder().Handle<CheckpointerException>(e => e.IsTransient),
                MaxRetryAttempts = options.MaxAttempts - 1,
                BackoffType = DelayBackoffType.Exponential,
                Delay = options.BaseDelay,
                MaxDelay = options.MaxDelay,
                UseJitter = true,
                Randomizer = () =>
                {
                    lock (gate)
                    {
                        return random.NextDouble();
                    }
                },
            });
        }

        _pipeline = builder.Build();
    }

    /// <inheritdoc/>
    public string Description => _inner.Description;

    /// <inheritdoc/>
    public Task PutAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken) =>
        _pipeline.ExecuteAsync(
            static async (s, token) => await s._inner.PutAsync(s.key, s.content, token).ConfigureAwait(false),
            (_inner, key, content),
            cancellationToken).AsTask();

    /// <inheritdoc/>
    public Task<PutOutcome> PutIfAbsentAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken) =>
        _pipeline.ExecuteAsync(
            static async (s, token) => await s._inner.PutIfAbsentAsync(s.key, s.content, token).ConfigureAwait(false),
            (_inner, key, content),
            cancellationToken).AsTask();

    /// <inheritdoc/>
    public Task ReadAsync(ObjectKey key, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        _pipeline.ExecuteAsync(
            static async (s, token) =>
                await s._inner.ReadAsync(s.key, s.offset, s.destination, token).ConfigureAwait(false),
            (_inner, key, offset, destination),
            cancellationToken).AsTask();

    /// <inheritdoc/>
    public Task<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken) =>
        _pipeline.ExecuteAsync(
            static async (s, token) => await s._inner.HeadAsync(s.key, token).ConfigureAwait(false),
            (_inner, key),
            cancellationToken).AsTask();

    /// <inheritdoc/>
    /// <remarks>A listing that fails in the middle starts again and leaves out what was given already: keys are in order.</remarks>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IAsyncEnumerator<ObjectInfo>? source = null;
        string? last = null;
        try
        {
            while (await _pipeline.ExecuteAsync(async _ => await AdvanceAsync().ConfigureAwait(false), cancellationToken)
                .ConfigureAwait(false))
            {
                last = source!.Current.Key.Value;
                yield return source.Current;
            }
        }
        finally
        {
            if (source is not null)
            {
                await source.DisposeAsync().ConfigureAwait(false);
            }
        }

        async Task<bool> AdvanceAsync()
        {
            source ??= _inner.ListAsync(prefix, cancellationToken).GetAsyncEnumerator(cancellationToken);
            try
            {
                while (await source.MoveNextAsync().ConfigureAwait(false))
                {
                    if (last is null || string.CompareOrdinal(source.Current.Key.Value, last) > 0)
                    {
                        return true;
                    }
                }

                return false;
            }
            catch (CheckpointerException)
            {
                await source.DisposeAsync().ConfigureAwait(false);
                source = null;
                throw;
            }
        }
    }

    /// <inheritdoc/>
    public Task DeleteAsync(ObjectKey key, CancellationToken cancellationToken) =>
        _pipeline.ExecuteAsync(
            static async (s, token) => await s._inner.DeleteAsync(s.key, token).ConfigureAwait(false),
            (_inner, key),
            cancellationToken).AsTask();
}
