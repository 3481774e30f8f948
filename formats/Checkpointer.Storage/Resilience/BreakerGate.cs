using Polly;
using Polly.CircuitBreaker;

namespace Checkpointer.Storage.Resilience;

/// <summary>
/// Stands before the circuit breaker. Turns its refusals into ours; and while it is not closed, lets a small call look for a
/// large one first: a half-open breaker keeps everybody else away until that one call has ended, which must not be a pack
/// that takes minutes.
/// </summary>
internal sealed class BreakerGate(StoreBreaker breaker, Func<string, CancellationToken, Task> look) : ResilienceStrategy
{
    protected override async ValueTask<Outcome<TResult>> ExecuteCore<TResult, TState>(
        Func<ResilienceContext, TState, ValueTask<Outcome<TResult>>> callback, ResilienceContext context, TState state)
    {
        var call = StoreCall.Of(context);
        if (call.Bytes >= StoreCall.SmallBytes && !breaker.IsClosed)
        {
            try
            {
                await look(call.Key, context.CancellationToken).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                // As if the call itself had failed so: it would have, only later.
                return Outcome.FromException<TResult>(e);
            }
        }

        var outcome = await callback(context, state).ConfigureAwait(false);
        return outcome.Exception is BrokenCircuitException refusal
            ? Outcome.FromException<TResult>(breaker.ToFailure(refusal))
            : outcome;
    }
}
