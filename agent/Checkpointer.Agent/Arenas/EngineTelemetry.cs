using System.Diagnostics.Metrics;
using Checkpointer.Agent.Admission;

namespace Checkpointer.Agent.Arenas;

/// <summary>The engine's metrics: names are documented here and stay. No tags but bounded ones.</summary>
internal sealed class EngineTelemetry : IDisposable
{
    /// <summary>The name of the meter: the agent's own.</summary>
    public const string SourceName = "Checkpointer.Agent";

    // From a small model on one card to 100 GB through a slow store.
    private static readonly InstrumentAdvice<double> Buckets = new()
    {
        HistogramBucketBoundaries = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000],
    };

    private readonly Meter _meter;
    private readonly Histogram<double> _sealDuration;
    private readonly Counter<long> _sealBytes;
    private readonly Histogram<double> _drainDuration;
    private readonly Counter<long> _drainBytes;
    private readonly Counter<long> _drainReusedBytes;
    private readonly Counter<long> _drainRetries;

    public EngineTelemetry(IMeterFactory meters, MemoryBudget budget)
    {
        _meter = meters.Create(SourceName);
        _meter.CreateObservableGauge(
            "checkpointer.arena.used", () => budget.UsedBytes, "By", "Memory that arenas take.");
        _meter.CreateObservableGauge(
            "checkpointer.arena.limit", () => budget.LimitBytes, "By", "Memory that arenas may take.");
        _sealDuration = _meter.CreateHistogram(
            "checkpointer.seal.duration", "s", "How long it took to hash an image.", advice: Buckets);
        _sealBytes = _meter.CreateCounter<long>("checkpointer.seal.bytes", "By", "Bytes of images hashed.");
        _drainDuration = _meter.CreateHistogram(
            "checkpointer.drain.duration", "s", "From the start of a drain to its durable index.", advice: Buckets);
        _drainBytes = _meter.CreateCounter<long>("checkpointer.drain.bytes", "By", "Bytes of packs written.");
        _drainReusedBytes = _meter.CreateCounter<long>(
            "checkpointer.drain.reused", "By", "Bytes of chunks that older packs held already.");
        _drainRetries = _meter.CreateCounter<long>(
            "checkpointer.drain.retries", "{retry}", "Times that a drain had to start again because storage failed.");
    }

    public void Hashed(long bytes, TimeSpan duration)
    {
        _sealBytes.Add(bytes);
        _sealDuration.Record(duration.TotalSeconds);
    }

    public void Drained(long packBytes, long reusedBytes, TimeSpan duration)
    {
        _drainBytes.Add(packBytes);
        _drainReusedBytes.Add(reusedBytes);
        _drainDuration.Record(duration.TotalSeconds);
    }

    public void DrainRetried() => _drainRetries.Add(1);

    public void Dispose() => _meter.Dispose();
}
