using System.Diagnostics;
using System.Diagnostics.Metrics;
using Checkpointer.Storage.Resilience;

namespace Checkpointer.Storage.Decorators;

/// <summary>The documented names of what <see cref="MeteredObjectStore"/> and <see cref="ResilientObjectStore"/> measure. Tags are bounded: no key, no run.</summary>
public static class StoreTelemetry
{
    /// <summary>The name of the meter and of the activity source.</summary>
    public const string SourceName = "Checkpointer.Store";

    /// <summary>Histogram, seconds; tags <c>operation</c> and <c>outcome</c> (<c>ok</c>, <c>cancelled</c> or an error code).</summary>
    public const string Duration = "checkpointer.store.duration";

    /// <summary>Counter, bytes moved by calls that succeeded; tag <c>operation</c>.</summary>
    public const string Bytes = "checkpointer.store.bytes";

    /// <summary>Counter of failed calls (not cancelled ones); tags <c>operation</c>, <c>code</c>, <c>transient</c>.</summary>
    public const string Errors = "checkpointer.store.errors";

    /// <summary>Counter of attempts that were repeated; tags <c>operation</c> and <c>code</c>.</summary>
    public const string Retries = "checkpointer.store.retries";

    /// <summary>Counter of slow reads that were asked for a second time; tags <c>operation</c> and <c>outcome</c> (<c>won</c>, <c>lost</c>).</summary>
    public const string Hedges = "checkpointer.store.hedges";

    /// <summary>Histogram, seconds that attempts waited for a free place, only of those that waited; tag <c>lane</c> (<c>small</c>, <c>write</c>, <c>read</c>).</summary>
    public const string Wait = "checkpointer.store.wait";

    /// <summary>Gauge, attempts that may be under way at once; tag <c>lane</c>.</summary>
    public const string ConcurrencyLimit = "checkpointer.store.concurrency.limit";

    /// <summary>Gauge, attempts under way; tag <c>lane</c>.</summary>
    public const string ConcurrencyInFlight = "checkpointer.store.concurrency.in_flight";

    /// <summary>Gauge, attempts that wait for a free place; tag <c>lane</c>.</summary>
    public const string ConcurrencyWaiting = "checkpointer.store.concurrency.waiting";

    /// <summary>Gauge: 0 while the circuit breaker is closed, 1 half-open, 2 open.</summary>
    public const string BreakerState = "checkpointer.store.breaker.state";

    /// <summary>The meter that a process uses unless it gives its own.</summary>
    public static Meter Meter { get; } = new(SourceName);

    /// <summary>The source of one span a call, named <c>checkpointer.store.{operation}</c>, with the key as a tag.</summary>
    public static ActivitySource Spans { get; } = new(SourceName);
}
