using System.Globalization;
using Checkpointer.Formats.Errors;
using Polly;
using Polly.Timeout;

namespace Checkpointer.Storage.Resilience;

/// <summary>
/// Stands around the attempt timeout, so that waiting for a permit does not count: takes a permit of the call's lane, and
/// tells the lane how the attempt went. A timeout becomes <c>storage_unavailable</c> here.
/// </summary>
internal sealed class PermitGate(Lanes lanes, StoreBreaker breaker, ResilienceTelemetry telemetry, TimeProvider time) : ResilienceStrategy
{
    protected override async ValueTask<Outcome<TResult>> ExecuteCore<TResult, TState>(
        Func<ResilienceContext, TState, ValueTask<Outcome<TResult>>> callback, ResilienceContext context, TState state)
    {
        var call = StoreCall.Of(context);
        if (lanes[call.Lane].TryAcquire() is not { } permit)
        {
            try
            {
                permit = await WaitAsync(call, context.CancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException e)
            {
                return Outcome.FromException<TResult>(e);
            }

            if (breaker.IsOpen)
            {
                permit.Release(PermitResult.Neutral);
                return Outcome.FromException<TResult>(breaker.ToFailure());
            }
        }

        var result = PermitResult.Neutral;
        try
        {
            call.Attempts++;
            var outcome = await callback(context, state).ConfigureAwait(false);
            result = Judge(outcome.Exception, call.Bytes);
            if (outcome.Exception is TimeoutRejectedException timeout)
            {
                outcome = Outcome.FromException<TResult>(ToFailure(timeout, call));
            }

            call.LastFailure = outcome.Exception as CheckpointerException ?? call.LastFailure;
            return outcome;
        }
        finally
        {
            permit.Release(result);
        }
    }

    /// <summary>What an attempt that ended with <paramref name="failure"/> says of the store's load.</summary>
    internal static PermitResult Judge(Exception? failure, long bytes) => failure switch
    {
        null => PermitResult.Answered,
        CheckpointerException { Code: ErrorCode.StorageThrottled } => PermitResult.Overloaded,

        // So many transfers at once that none keeps up would all time out for ever if their number stayed.
        TimeoutRejectedException when bytes >= StoreCall.SmallBytes => PermitResult.Overloaded,
        CheckpointerException { IsTransient: false } => PermitResult.Answered,
        _ => PermitResult.Neutral,
    };

    private async ValueTask<ConcurrencyPermit> WaitAsync(StoreCall call, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        call.Deadline?.Pause();
        try
        {
            return await lanes[call.Lane].AcquireAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            call.Deadline?.Resume();
            telemetry.Waited(call.Lane, time.GetElapsedTime(began));
        }
    }

    private static CheckpointerException ToFailure(TimeoutRejectedException timeout, StoreCall call) => new(
        ErrorCode.StorageUnavailable,
        string.Create(
            CultureInfo.InvariantCulture,
            $"The {call.Description} did not end within {timeout.Timeout.TotalSeconds:0.#} s: the store hangs, or is slower than the slowest that is waited for."),
        isTransient: true,
        timeout);
}
