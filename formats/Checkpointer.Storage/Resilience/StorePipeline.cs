using Checkpointer.Formats.Errors;
using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace Checkpointer.Storage.Resilience;

/// <summary>
/// The order of the strategies, from the outside in: retry with decorrelated jitter, circuit breaker, permit, attempt
/// timeout. (The total deadline is around them: <see cref="CallDeadline"/>. Hedging is within: <see cref="HedgedReads"/>.)
/// All decide by <see cref="CheckpointerException.IsTransient"/> alone.
/// </summary>
internal static class StorePipeline
{
    // A thousand ranks that were told the same time must not come back at the same instant.
    private const double RetryAfterSpread = 0.25;

    /// <summary>One attempt: everything but retry.</summary>
    public static ResiliencePipeline Attempt(
        BreakerGate breakerGate, StoreBreaker breaker, PermitGate permitGate, ResilienceOptions options, TimeProvider time) =>
        new ResiliencePipelineBuilder { TimeProvider = time }
            .AddStrategy(_ => breakerGate, new GateOptions())
            .AddCircuitBreaker(breaker.ToStrategy())
            .AddStrategy(_ => permitGate, new GateOptions())
            .AddTimeout(new TimeoutStrategyOptions
            {
                TimeoutGenerator = args => ValueTask.FromResult(options.AttemptTimeoutOf(StoreCall.Of(args.Context).Bytes)),
            })
            .Build();

    /// <summary>As many <paramref name="attempt"/>s as it takes and are permitted.</summary>
    public static ResiliencePipeline Retrying(
        ResiliencePipeline attempt, ResilienceOptions options, ResilienceTelemetry telemetry, TimeProvider time, Random random)
    {
        if (options.MaxAttempts == 1)
        {
            return attempt;
        }

        var gate = new Lock();
        return new ResiliencePipelineBuilder { TimeProvider = time }
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = args => ValueTask.FromResult(
                    args.Outcome.Exception is CheckpointerException { IsTransient: true } failure && IsTimeFor(args.Context, failure)),
                MaxRetryAttempts = options.MaxAttempts - 1,
                BackoffType = DelayBackoffType.Exponential,
                Delay = options.RetryDelay,
                MaxDelay = options.MaxRetryDelay,
                UseJitter = true,
                Randomizer = Next,
                DelayGenerator = args => ValueTask.FromResult(
                    RetryAfterOf(args.Outcome.Exception) is { } asked ? asked * (1 + (RetryAfterSpread * Next())) : (TimeSpan?)null),
                OnRetry = args =>
                {
                    telemetry.Retried(StoreCall.Of(args.Context), (CheckpointerException)args.Outcome.Exception!);
                    return ValueTask.CompletedTask;
                },
            })
            .AddPipeline(attempt)
            .Build();

        double Next()
        {
            lock (gate)
            {
                return random.NextDouble();
            }
        }

        TimeSpan? RetryAfterOf(Exception? failure) => failure is CheckpointerException { RetryAfter: { } asked }
            ? asked < options.MaxRetryDelay ? asked : options.MaxRetryDelay
            : null;

        // The caller learns what is wrong rather than that the time was over, and at once.
        bool IsTimeFor(ResilienceContext context, CheckpointerException failure) =>
            StoreCall.Of(context).Deadline is not { } deadline || deadline.Left > (RetryAfterOf(failure) ?? TimeSpan.Zero);
    }

    private sealed class GateOptions : ResilienceStrategyOptions;
}
