using System.Diagnostics.Metrics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Checkpointer.Formats.Errors;
using Polly;

namespace Checkpointer.Storage.Resilience;

/// <summary>
/// What every process puts around its store, and the only place where storage is retried: bears calls that fail in passing,
/// hang, are slow, or are told to slow down (see <see cref="ResilienceOptions"/>). A put-if-absent whose answer was lost is
/// repeated too and may then say <see cref="PutOutcome.AlreadyExists"/> of the object it created itself: the caller compares
/// (<see cref="ObjectStoreExtensions.PutIfAbsentOrVerifyAsync"/>).
/// </summary>
public sealed class ResilientObjectStore : IObjectStore
{
    private readonly IObjectStore _inner;
    private readonly ResilienceOptions _options;
    private readonly TimeProvider _time;
    private readonly HedgedReads _reads;
    private readonly ResiliencePipeline _attempt;
    private readonly ResiliencePipeline _pipeline;

    /// <summary>
    /// Wraps <paramref name="inner"/>, measuring into <paramref name="meter"/>. <paramref name="random"/> gives the jitter and
    /// is used under a lock. Throws <see cref="ErrorCode.ConfigurationInvalid"/> for options that make no sense.
    /// </summary>
    public ResilientObjectStore(IObjectStore inner, ResilienceOptions options, Meter meter, TimeProvider timeProvider, Random random)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(meter);
        ArgumentNullException.ThrowIfNull(random);
        options.Validate();
        (_inner, _options, _time) = (inner, options, timeProvider);
        var lanes = new Lanes(options);
        Breaker = new StoreBreaker(inner.Description, options, timeProvider);
        Lanes = lanes;
        var telemetry = new ResilienceTelemetry(meter, lanes, Breaker);
        _reads = new HedgedReads(inner, lanes, options, telemetry, timeProvider);
        _attempt = StorePipeline.Attempt(
            new BreakerGate(Breaker, LookAsync), Breaker, new PermitGate(lanes, Breaker, telemetry, timeProvider), options, timeProvider);
        _pipeline = StorePipeline.Retrying(_attempt, options, telemetry, timeProvider, random);
    }

    /// <inheritdoc/>
    public string Description => _inner.Description;

    internal Lanes Lanes { get; }

    internal StoreBreaker Breaker { get; }

    /// <inheritdoc/>
    public Task PutAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        return ExecuteAsync(
            StoreCall.Put(key, content),
            static async (s, _, token) =>
            {
                await s._inner.PutAsync(s.key, s.content, token).ConfigureAwait(false);
                return true;
            },
            (_inner, key, content),
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<PutOutcome> PutIfAbsentAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        return ExecuteAsync(
            StoreCall.PutIfAbsent(key, content),
            static (s, _, token) => s._inner.PutIfAbsentAsync(s.key, s.content, token),
            (_inner, key, content),
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task ReadAsync(ObjectKey key, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        ExecuteAsync(
            StoreCall.Read(key, destination.Length),
            static (s, call, token) => s._reads.ReadAsync(call, s.key, s.offset, s.destination, token),
            (_reads, key, offset, destination),
            cancellationToken);

    /// <inheritdoc/>
    public Task<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken) =>
        ExecuteAsync(
            StoreCall.Head(key.Value),
            static (s, call, token) => s._reads.HeadAsync(call, s.key, token),
            (_reads, key),
            cancellationToken);

    /// <inheritdoc/>
    /// <remarks>A listing that fails in the middle starts again and leaves out what was given already: keys are in order.</remarks>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var listing = new ResumableListing(_inner, prefix);
        await using (listing.ConfigureAwait(false))
        {
            while (await ExecuteAsync(
                StoreCall.List(prefix), static (s, _, token) => s.MoveNextAsync(token), listing, cancellationToken).ConfigureAwait(false))
            {
                yield return listing.Current;
            }
        }
    }

    /// <inheritdoc/>
    public Task DeleteAsync(ObjectKey key, CancellationToken cancellationToken) =>
        ExecuteAsync(
            StoreCall.Delete(key),
            static async (s, _, token) =>
            {
                await s._inner.DeleteAsync(s.key, token).ConfigureAwait(false);
                return true;
            },
            (_inner, key),
            cancellationToken);

    private async Task<TResult> ExecuteAsync<TResult, TState>(
        StoreCall call,
        Func<TState, StoreCall, CancellationToken, Task<TResult>> attempt,
        TState state,
        CancellationToken cancellationToken)
    {
        using var deadline = _options.CallTimeoutOf(call.Bytes) is { } timeout
            ? new CallDeadline(timeout, _time, cancellationToken)
            : null;
        call.Deadline = deadline;
        try
        {
            return await RunAsync(_pipeline, call, attempt, state, deadline?.Token ?? cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (deadline is { IsOver: true } && !cancellationToken.IsCancellationRequested)
        {
            throw TimedOut(call, deadline, e);
        }
    }

    /// <summary>Whether the store answers at all: one attempt, through the breaker, which it closes if all is well.</summary>
    private Task<ObjectInfo?> LookAsync(string key, CancellationToken cancellationToken) => RunAsync(
        _attempt,
        StoreCall.Head(key),
        static (s, _, token) => s._inner.HeadAsync(new ObjectKey(s.key), token),
        (_inner, key),
        cancellationToken);

    private static async Task<TResult> RunAsync<TResult, TState>(
        ResiliencePipeline pipeline,
        StoreCall call,
        Func<TState, StoreCall, CancellationToken, Task<TResult>> attempt,
        TState state,
        CancellationToken cancellationToken)
    {
        var context = ResilienceContextPool.Shared.Get(cancellationToken);
        context.Properties.Set(StoreCall.Property, call);
        try
        {
            return await pipeline.ExecuteAsync(
                static async (context, s) => await s.attempt(s.state, s.call, context.CancellationToken).ConfigureAwait(false),
                context,
                (attempt, state, call)).ConfigureAwait(false);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private static CheckpointerException TimedOut(StoreCall call, CallDeadline deadline, Exception inner) => new(
        ErrorCode.StorageUnavailable,
        string.Create(
            CultureInfo.InvariantCulture,
            $"The {call.Description} was given up after {deadline.Timeout.TotalSeconds:0.#} s and {call.Attempts} attempts. "
            + $"{(call.LastFailure is { } last ? $"The last failure: {last.Cause}" : "The store did not answer.")}"),
        isTransient: true,
        inner)
    {
        RequestId = call.LastFailure?.RequestId,
    };
}
