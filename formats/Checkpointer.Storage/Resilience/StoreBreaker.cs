using System.Globalization;
using Checkpointer.Formats.Errors;
using Polly.CircuitBreaker;

namespace Checkpointer.Storage.Resilience;

/// <summary>
/// One circuit breaker for a whole store: when nearly everything fails, it is left alone for a while, then one call looks.
/// Knows since when and why, for the message that everybody gets meanwhile. Thread-safe.
/// </summary>
internal sealed class StoreBreaker(string store, ResilienceOptions options, TimeProvider time)
{
    private const double FailureRatio = 0.9;
    private static readonly TimeSpan Sampling = TimeSpan.FromSeconds(30);

    private readonly CircuitBreakerStateProvider _state = new();
    private readonly Lock _gate = new();
    private DateTimeOffset? _since;
    private DateTimeOffset _until;
    private string _lastCause = "";
    private string? _lastRequestId;

    /// <summary>Whether everything is let through.</summary>
    public bool IsClosed => State == CircuitState.Closed;

    /// <summary>Whether nothing is let through.</summary>
    public bool IsOpen => State == CircuitState.Open && Left > TimeSpan.Zero;

    /// <summary>Its state.</summary>
    public CircuitState State => _state.CircuitState;

    private TimeSpan Left
    {
        get
        {
            lock (_gate)
            {
                return _until - time.GetUtcNow();
            }
        }
    }

    /// <summary>The strategy that counts failures and opens.</summary>
    public CircuitBreakerStrategyOptions ToStrategy() => new()
    {
        ShouldHandle = static args =>
            ValueTask.FromResult(args.Outcome.Exception is CheckpointerException { IsTransient: true }),
        FailureRatio = FailureRatio,
        MinimumThroughput = options.BreakerAttempts,
        SamplingDuration = Sampling,
        BreakDurationGenerator = args => ValueTask.FromResult(PauseAfter(args.HalfOpenAttempts)),
        StateProvider = _state,
        OnOpened = args =>
        {
            Open(args.BreakDuration, args.Outcome.Exception);
            return ValueTask.CompletedTask;
        },
        OnClosed = _ =>
        {
            lock (_gate)
            {
                _since = null;
            }

            return ValueTask.CompletedTask;
        },
    };

    /// <summary>What a call gets that was not let through.</summary>
    public CheckpointerException ToFailure(Exception? inner = null)
    {
        lock (_gate)
        {
            var left = _until - time.GetUtcNow();
            var since = (_since ?? time.GetUtcNow()).ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
            var next = left > TimeSpan.Zero
                ? string.Create(CultureInfo.InvariantCulture, $"is tried again in {left.TotalSeconds:0.#} s")
                : "is being tried again just now";
            return new CheckpointerException(
                ErrorCode.StorageUnavailable,
                $"The object store ({store}) has failed nearly every call since {since} and {next}. The last failure: {_lastCause}",
                isTransient: true,
                inner)
            {
                RequestId = _lastRequestId,
                Cause = $"The object store ({store}) has failed nearly every call. The last failure: {_lastCause}",
                RetryAfter = left > TimeSpan.Zero ? left : null,
            };
        }
    }

    private TimeSpan PauseAfter(int looks)
    {
        var pause = options.BreakerPause * Math.Pow(2, Math.Min(looks, 20));
        return pause < options.MaxRetryDelay ? pause : options.MaxRetryDelay;
    }

    private void Open(TimeSpan pause, Exception? failure)
    {
        lock (_gate)
        {
            var now = time.GetUtcNow();
            _since ??= now;
            _until = now + pause;
            if (failure is CheckpointerException last)
            {
                (_lastCause, _lastRequestId) = (last.Cause, last.RequestId);
            }
        }
    }
}
