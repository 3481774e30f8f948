using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Diagnostics.Tracing;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage;
using Checkpointer.Storage.Decorators;
using Checkpointer.Storage.S3;
using Checkpointer.TestKit.Ceph;

namespace Checkpointer.S3.Tests.Security;

/// <summary>
/// Whoever holds a presigned URL may do what it says. Everything that the process could tell a collector or a log about
/// its requests is listened to here, and none of it may hold one, or a key.
/// </summary>
[Collection(nameof(TelemetryTests))]
[CollectionDefinition(nameof(TelemetryTests), DisableParallelization = true)] // what other tests' clients tell is heard, too
public sealed class TelemetryTests
{
    private static readonly ObjectKey Key = new("runs/r/x");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EveryCall_SpansMetricsAndEvents_HoldNoSecret()
    {
        var gateway = await CephGateway.GetAsync(Cancel);
        await using var bucket = await Bucket.NewAsync(gateway);
        var heard = new ConcurrentQueue<string>();
        using var spans = Spans(heard);
        using var metrics = Metrics(heard);
        using var events = new Events(heard);
        using var trace = new Activity("a trainer's span").Start();
        var store = new MeteredObjectStore(bucket.Store, StoreTelemetry.Meter, TimeProvider.System);
        using var denied = Bucket.Open(
            $"s3://{bucket.Name}?endpoint={gateway.Endpoint}",
            new S3Options { AccessKey = "AKIANOBODY", SecretKey = gateway.SecretKey });

        await UseAsync(store);
        heard.Enqueue((await Assert.ThrowsAsync<CheckpointerException>(() => denied.PutAsync(Key, new ObjectContent(new byte[1]), Cancel))).ToString());
        heard.Enqueue(bucket.Store.Description);

        Assert.Contains(heard, text => text.StartsWith($"span {StoreTelemetry.SourceName} checkpointer.store.put", StringComparison.Ordinal));
        Assert.Contains(heard, text => text.StartsWith("metric http.client.request.duration", StringComparison.Ordinal));
        Assert.Contains(heard, text => text.StartsWith("event System.Net.Http RequestStart", StringComparison.Ordinal));
        Assert.DoesNotContain(heard, text => text.StartsWith("span System.Net.Http", StringComparison.Ordinal));
        foreach (var text in heard)
        {
            Secrets.RequireNone(text, gateway);
        }
    }

    private static async Task UseAsync(MeteredObjectStore store)
    {
        await store.PutAsync(Key, new ObjectContent(new byte[3 << 20]), Cancel);
        await store.PutIfAbsentAsync(Key, new ObjectContent(new byte[1]), Cancel);
        await store.ReadAsync(Key, 0, new byte[1000], Cancel);
        await store.HeadAsync(Key, Cancel);
        await store.HeadAsync(new ObjectKey("missing"), Cancel);
        await foreach (var _ in store.ListAsync("", Cancel))
        {
        }

        await store.DeleteAsync(Key, Cancel);
    }

    private static ActivityListener Spans(ConcurrentQueue<string> heard)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity => heard.Enqueue(
                $"span {activity.Source.Name} {activity.DisplayName} {activity.StatusDescription} {string.Join(' ', activity.TagObjects)} "
                + string.Join(' ', activity.Events.SelectMany(e => e.Tags))),
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    private static MeterListener Metrics(ConcurrentQueue<string> heard)
    {
        var listener = new MeterListener { InstrumentPublished = (instrument, listener) => listener.EnableMeasurementEvents(instrument) };
        listener.SetMeasurementEventCallback<long>((instrument, _, tags, _) => heard.Enqueue($"metric {instrument.Name} {string.Join(' ', tags.ToArray())}"));
        listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) => heard.Enqueue($"metric {instrument.Name} {string.Join(' ', tags.ToArray())}"));
        listener.Start();
        return listener;
    }

    private sealed class Events(ConcurrentQueue<string> heard) : EventListener
    {
        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            // The runtime's public sources; its internal ones (Private.…) are for debugging the runtime itself.
            if (eventSource.Name.StartsWith("System.Net", StringComparison.Ordinal))
            {
                EnableEvents(eventSource, EventLevel.Verbose);
            }
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData) => heard?.Enqueue(
            $"event {eventData.EventSource.Name} {eventData.EventName} {string.Join(' ', eventData.Payload ?? new([]))}");
    }
}
