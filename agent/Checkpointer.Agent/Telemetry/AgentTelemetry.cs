using System.Diagnostics;
using System.Diagnostics.Metrics;
using Checkpointer.Contracts.Problems;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Agent.Telemetry;

/// <summary>
/// The agent's own metrics and spans: names are documented here and stay. Tags are bounded: no run, no rank, no step.
/// </summary>
internal sealed class AgentTelemetry : IDisposable
{
    /// <summary>The name of the meter and of the activity source.</summary>
    public const string SourceName = "Checkpointer.Agent";

    // A restore takes from milliseconds (in place) to minutes (from storage).
    private static readonly InstrumentAdvice<double> RestoreBuckets = new()
    {
        HistogramBucketBoundaries = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300],
    };

    private readonly Meter _meter;
    private readonly Counter<long> _reportsDelivered;
    private readonly Counter<long> _reportsGivenUp;
    private readonly Counter<long> _serviceErrors;
    private readonly Counter<long> _restoreBytes;
    private readonly Counter<long> _restoreFaults;
    private readonly Histogram<double> _restoreDuration;
    private readonly Counter<long> _servedBytes;
    private readonly Counter<long> _refusals;
    private readonly Counter<long> _replicaBytes;
    private readonly Counter<long> _replicaPulls;
    private readonly Counter<long> _replicaOffers;
    private readonly Histogram<double> _replicaLag;

    public AgentTelemetry(IMeterFactory meters)
    {
        _meter = meters.Create(SourceName);
        _reportsDelivered = _meter.CreateCounter<long>(
            "checkpointer.agent.reports.delivered", "{report}", "Reports that the service took; tag kind.");
        _reportsGivenUp = _meter.CreateCounter<long>(
            "checkpointer.agent.reports.given_up", "{report}", "Reports that will never be delivered; tags kind and code.");
        _serviceErrors = _meter.CreateCounter<long>(
            "checkpointer.agent.service.errors", "{error}", "Calls to the service that failed; tag code.");
        _restoreBytes = _meter.CreateCounter<long>(
            "checkpointer.agent.restore.bytes", "By", "Verified bytes of restores; tag source.");
        _restoreFaults = _meter.CreateCounter<long>(
            "checkpointer.agent.restore.faults", "{fault}", "Sources of a restore that failed or gave wrong bytes; tag code.");
        _restoreDuration = _meter.CreateHistogram(
            "checkpointer.agent.restore.duration", "s", "How long restores took; tag outcome.", advice: RestoreBuckets);
        _servedBytes = _meter.CreateCounter<long>(
            "checkpointer.agent.served.bytes", "By", "Bytes of images sent to other agents.");
        _refusals = _meter.CreateCounter<long>(
            "checkpointer.agent.snapshots.refused", "{snapshot}", "Snapshots that were refused a slot.");
        _replicaBytes = _meter.CreateCounter<long>(
            "checkpointer.agent.replica.bytes", "By", "Verified bytes of other nodes' images that were copied here.");
        _replicaPulls = _meter.CreateCounter<long>(
            "checkpointer.agent.replica.pulls", "{copy}", "Copies of other nodes' images that ended; tag outcome: held, refused, superseded or failed.");
        _replicaOffers = _meter.CreateCounter<long>(
            "checkpointer.agent.replica.offers", "{image}", "Images offered to a peer; tag outcome: held, ended or an error's code.");
        _replicaLag = _meter.CreateHistogram(
            "checkpointer.agent.replica.lag", "s", "From the seal of an image until its peer holds it.", advice: RestoreBuckets);
    }

    /// <summary>Spans <c>checkpointer.agent.restore</c> and others of the agent.</summary>
    public static ActivitySource Spans { get; } = new(SourceName);

    public void ReportDelivered(string kind) => _reportsDelivered.Add(1, Tag("kind", kind));

    public void ReportGivenUp(string kind, ErrorCode code) => _reportsGivenUp.Add(1, Tag("kind", kind), Tag("code", Name(code)));

    public void ServiceFailed(ErrorCode code) => _serviceErrors.Add(1, Tag("code", Name(code)));

    public void RestoreRead(string source, long bytes) => _restoreBytes.Add(bytes, Tag("source", source));

    public void RestoreFault(ErrorCode code) => _restoreFaults.Add(1, Tag("code", Name(code)));

    public void RestoreEnded(bool succeeded, TimeSpan duration) =>
        _restoreDuration.Record(duration.TotalSeconds, Tag("outcome", succeeded ? "ok" : "failed"));

    public void Served(long bytes) => _servedBytes.Add(bytes);

    public void SnapshotRefused() => _refusals.Add(1);

    public void ReplicaRead(long bytes) => _replicaBytes.Add(bytes);

    public void ReplicaPulled(string outcome) => _replicaPulls.Add(1, Tag("outcome", outcome));

    public void ReplicaOffered(string outcome) => _replicaOffers.Add(1, Tag("outcome", outcome));

    public void ReplicaHeld(TimeSpan lag) => _replicaLag.Record(lag.TotalSeconds);

    /// <summary>A gauge that asks <paramref name="value"/> at each scrape.</summary>
    public void Observe(string name, string unit, string description, Func<long> value) =>
        _meter.CreateObservableGauge(name, value, unit, description);

    public void Dispose() => _meter.Dispose();

    private static KeyValuePair<string, object?> Tag(string key, string value) => new(key, value);

    private static string Name(ErrorCode code) => CheckpointerProblem.NameOf(code);
}
