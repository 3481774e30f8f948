using System.Diagnostics.Metrics;
using System.Text.Json;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.Decorators;
using Polly.CircuitBreaker;

namespace Checkpointer.Storage.Resilience;

/// <summary>Measures what resilience does: see <see cref="StoreTelemetry"/> for the names.</summary>
internal sealed class ResilienceTelemetry
{
    // Waits range from a moment to the time that several packs take.
    private static readonly InstrumentAdvice<double> Buckets = new()
    {
        HistogramBucketBoundaries = [0.001, 0.01, 0.1, 1, 3, 10, 30, 100, 300],
    };

    private readonly Histogram<double> _waits;
    private readonly Counter<long> _retries;
    private readonly Counter<long> _hedges;

    public ResilienceTelemetry(Meter meter, Lanes lanes, StoreBreaker breaker)
    {
        _waits = meter.CreateHistogram(StoreTelemetry.Wait, "s", "How long attempts waited for a free place.", advice: Buckets);
        _retries = meter.CreateCounter<long>(StoreTelemetry.Retries, "{retry}", "Attempts that were repeated.");
        _hedges = meter.CreateCounter<long>(StoreTelemetry.Hedges, "{read}", "Slow reads that were asked for a second time.");

        // A meter keeps its instruments for ever, and must not keep the store with them.
        var weakLanes = new WeakReference<Lanes>(lanes);
        var weakBreaker = new WeakReference<StoreBreaker>(breaker);
        _ = meter.CreateObservableGauge(
            StoreTelemetry.ConcurrencyLimit, () => Observe(weakLanes, lane => lane.Limit), "{attempt}", "Attempts that may be under way at once.");
        _ = meter.CreateObservableGauge(
            StoreTelemetry.ConcurrencyInFlight, () => Observe(weakLanes, lane => lane.InFlight), "{attempt}", "Attempts under way.");
        _ = meter.CreateObservableGauge(
            StoreTelemetry.ConcurrencyWaiting, () => Observe(weakLanes, lane => lane.Waiting), "{attempt}", "Attempts that wait for a free place.");
        _ = meter.CreateObservableGauge(
            StoreTelemetry.BreakerState,
            () => weakBreaker.TryGetTarget(out var alive) ? [new Measurement<int>(NumberOf(alive.State))] : Array.Empty<Measurement<int>>(),
            "1",
            "0 closed, 1 half-open, 2 open.");
    }

    /// <summary>An attempt had to wait for a permit.</summary>
    public void Waited(Lane lane, TimeSpan took) => _waits.Record(took.TotalSeconds, TagOf(lane));

    /// <summary>An attempt is repeated because of <paramref name="failure"/>.</summary>
    public void Retried(StoreCall call, CheckpointerException failure) => _retries.Add(
        1,
        new KeyValuePair<string, object?>("operation", call.Operation),
        new KeyValuePair<string, object?>("code", JsonNamingPolicy.SnakeCaseLower.ConvertName(failure.Code.ToString())));

    /// <summary>A read was asked for a second time.</summary>
    public void Hedged(StoreCall call, bool won) => _hedges.Add(
        1,
        new KeyValuePair<string, object?>("operation", call.Operation),
        new KeyValuePair<string, object?>("outcome", won ? "won" : "lost"));

    private static IEnumerable<Measurement<int>> Observe(WeakReference<Lanes> lanes, Func<AdaptiveConcurrency, int> value)
    {
        if (lanes.TryGetTarget(out var alive))
        {
            foreach (var lane in Enum.GetValues<Lane>())
            {
                yield return new Measurement<int>(value(alive[lane]), TagOf(lane));
            }
        }
    }

    private static int NumberOf(CircuitState state) => state switch
    {
        CircuitState.Closed => 0,
        CircuitState.HalfOpen => 1,
        _ => 2,
    };

    private static KeyValuePair<string, object?> TagOf(Lane lane) =>
        new("lane", JsonNamingPolicy.SnakeCaseLower.ConvertName(lane.ToString()));
}
