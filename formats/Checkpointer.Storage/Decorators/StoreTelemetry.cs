using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Checkpointer.Storage.Decorators;

/// <summary>The documented names of what <see cref="MeteredObjectStore"/> measures. Tags are bounded: no key, no run.</summary>
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

    /// <summary>The meter that a process uses unless it gives its own.</summary>
    public static Meter Meter { get; } = new(SourceName);

    /// <summary>The source of one span a call, named <c>checkpointer.store.{operation}</c>, with the key as a tag.</summary>
    public static ActivitySource Spans { get; } = new(SourceName);
}
