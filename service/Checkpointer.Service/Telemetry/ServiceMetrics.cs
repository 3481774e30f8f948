using System.Diagnostics.Metrics;
using Checkpointer.Contracts.Problems;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Service.Agents;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Runs.Events;
using Checkpointer.Service.Sweeping;

namespace Checkpointer.Service.Telemetry;

/// <summary>The service's instruments, one set a host. Thread-safe.</summary>
internal sealed class ServiceMetrics
{
    /// <summary>The kind of a detection that is no incident: an agent that lives and cannot reach the service.</summary>
    public const string AgentCutOff = "AgentCutOff";

    private static readonly InstrumentAdvice<double> Buckets = new()
    {
        HistogramBucketBoundaries = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100],
    };

    private static readonly InstrumentAdvice<double> LongBuckets = new()
    {
        HistogramBucketBoundaries = [1, 10, 60, 600, 3600, 4 * 3600, 24 * 3600],
    };

    private readonly Meter _meter;
    private readonly Histogram<double> _commandDuration;
    private readonly Histogram<double> _commitDuration;
    private readonly Histogram<double> _scrubDuration;
    private readonly Counter<long> _scrubBytes;
    private readonly Histogram<double> _sweepDuration;
    private readonly Counter<long> _sweptObjects;
    private readonly Counter<long> _sweptBytes;
    private readonly Counter<long> _events;
    private readonly Counter<long> _incidents;
    private readonly Counter<long> _detections;
    private readonly Counter<long> _webhookCalls;
    private readonly Counter<long> _webhookSetAside;

    public ServiceMetrics(IMeterFactory meters, AgentRegistry agents)
    {
        _meter = meters.Create(ServiceTelemetry.SourceName);
        _commandDuration = _meter.CreateHistogram(
            ServiceTelemetry.CommandDuration, "s", "How long commands took from call to durable answer.", advice: Buckets);
        _commitDuration = _meter.CreateHistogram(
            ServiceTelemetry.CommitDuration, "s", "How long commits took from the last shard to the end of a try.", advice: Buckets);
        _scrubDuration = _meter.CreateHistogram(
            ServiceTelemetry.ScrubDuration, "s", "How long the scrub took for a checkpoint.", advice: LongBuckets);
        _scrubBytes = _meter.CreateCounter<long>(ServiceTelemetry.ScrubBytes, "By", "Bytes that the scrub read.");
        _sweepDuration = _meter.CreateHistogram(
            ServiceTelemetry.SweepDuration, "s", "How long sweeps of uncommitted objects took.", advice: Buckets);
        _sweptObjects = _meter.CreateCounter<long>(ServiceTelemetry.SweptObjects, "{object}", "Uncommitted objects that sweeps deleted.");
        _sweptBytes = _meter.CreateCounter<long>(ServiceTelemetry.SweptBytes, "By", "Bytes of uncommitted objects that sweeps deleted.");
        _events = _meter.CreateCounter<long>(ServiceTelemetry.Events, "{event}", "Things that happened to runs.");
        _incidents = _meter.CreateCounter<long>(ServiceTelemetry.Incidents, "{incident}", "Incidents of runs.");
        _detections = _meter.CreateCounter<long>(
            ServiceTelemetry.Detections, "{detection}", "Failures that were detected, whether or not they became an incident.");
        _webhookCalls = _meter.CreateCounter<long>(ServiceTelemetry.WebhookCalls, "{call}", "Calls of the webhook.");
        _webhookSetAside = _meter.CreateCounter<long>(
            ServiceTelemetry.WebhookSetAside, "{incident}", "Incidents that the webhook refused for good.");
        _ = _meter.CreateObservableGauge(
            ServiceTelemetry.Agents, () => agents.AliveCount, "{agent}", "Agents that are alive.");
    }

    /// <summary>Begins to show what <paramref name="host"/> knows.</summary>
    public void Observe(RunHost host)
    {
        _ = _meter.CreateObservableGauge(
            ServiceTelemetry.ReplayEntries, () => host.EntriesSinceSnapshot, "{entry}", "Journal entries that a restart would replay.");
        Gauge(ServiceTelemetry.RunAttempt, "{attempt}", "The current attempt.", run => run.Attempt?.Value);
        Gauge(ServiceTelemetry.RunLedgerStep, "{step}", "Newest step in the ledger.", run => run.LedgerStep?.Value);
        Gauge(ServiceTelemetry.RunSealedStep, "{step}", "Newest step sealed by every rank.", run => run.GloballySealed?.Step.Value);
        Gauge(ServiceTelemetry.RunCommittedStep, "{step}", "Newest committed step.", run => run.Committed?.Step.Value);

        void Gauge(string name, string unit, string description, Func<RunSummary, long?> value) =>
            _ = _meter.CreateObservableGauge(name, () => Measure(host, value), unit, description);
    }

    /// <summary>Begins to show how far the webhook is behind.</summary>
    public void ObserveWebhook(Func<TimeSpan> lag) => _ = _meter.CreateObservableGauge(
        ServiceTelemetry.WebhookLag, () => lag().TotalSeconds, "s", "Age of the incident that is being sent to the webhook.");

    /// <summary>A failure was detected, or reported by an agent: <paramref name="kind"/> is a kind of incident, or <see cref="AgentCutOff"/>.</summary>
    public void CountDetection(string kind) => _detections.Add(1, new KeyValuePair<string, object?>("kind", kind));

    /// <summary>The webhook was called.</summary>
    public void CountWebhookCall(string outcome) => _webhookCalls.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    /// <summary>The webhook refused an incident for good.</summary>
    public void CountWebhookSetAside() => _webhookSetAside.Add(1);

    /// <summary>A command was answered.</summary>
    public void CountCommand(string command, ErrorCode? refusal, TimeSpan elapsed) => _commandDuration.Record(
        elapsed.TotalSeconds,
        new("command", command),
        new("outcome", refusal is { } code ? CheckpointerProblem.NameOf(code) : "ok"));

    /// <summary>Events are durable.</summary>
    public void CountEvents(IReadOnlyList<RunEvent> events)
    {
        foreach (var happened in events)
        {
            _events.Add(1, new KeyValuePair<string, object?>("kind", happened.GetType().Name));
            foreach (var incident in happened.Incidents ?? [])
            {
                _incidents.Add(1, new KeyValuePair<string, object?>("kind", incident.Kind.ToString()));
            }
        }
    }

    /// <summary>A try of a commit ended.</summary>
    public void CountCommit(string outcome, TimeSpan sinceComplete) =>
        _commitDuration.Record(sinceComplete.TotalSeconds, new KeyValuePair<string, object?>("outcome", outcome));

    /// <summary>The scrub is through with a checkpoint.</summary>
    public void CountScrub(VerificationOutcome outcome, long bytesRead, TimeSpan elapsed)
    {
        _scrubDuration.Record(elapsed.TotalSeconds, new KeyValuePair<string, object?>("outcome", outcome.ToString()));
        _scrubBytes.Add(bytesRead);
    }

    /// <summary>A sweep deleted an object.</summary>
    public void CountSwept(SweepReason reason, long bytes)
    {
        var tag = new KeyValuePair<string, object?>("reason", reason.ToString());
        _sweptObjects.Add(1, tag);
        _sweptBytes.Add(bytes, tag);
    }

    /// <summary>A sweep ended.</summary>
    public void CountSweep(string outcome, TimeSpan elapsed) =>
        _sweepDuration.Record(elapsed.TotalSeconds, new KeyValuePair<string, object?>("outcome", outcome));

    private static IEnumerable<Measurement<long>> Measure(RunHost host, Func<RunSummary, long?> value)
    {
        foreach (var run in host.Observe())
        {
            if (value(run) is { } measured)
            {
                yield return new Measurement<long>(measured, new KeyValuePair<string, object?>("run", run.Run.Value));
            }
        }
    }
}
