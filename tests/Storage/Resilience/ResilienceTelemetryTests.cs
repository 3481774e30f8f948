using System.Diagnostics.Metrics;
using Checkpointer.Storage.Resilience;

namespace Checkpointer.Storage.Tests.Resilience;

public sealed class ResilienceTelemetryTests : ResilientStoreFixture
{
    [Fact]
    public async Task WhatHappens_IsMeasuredUnderTheDocumentedNames()
    {
        var measured = new List<string>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (ReferenceEquals(instrument.Meter, Meter))
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument.Name, $"{value}", tags));
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Note(instrument.Name, $"{value}", tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument.Name, $"{value}", tags));
        listener.Start();
        var store = Make(o => o with { MaxAttempts = 2, MaxConcurrentSmallCalls = 2, HedgedShare = 0.05 });

        // A retry, a hedge that wins, and a wait for a place.
        var put = store.PutAsync(Key, Content(1), Cancel);
        (await Inner.NextAsync()).Fail(ManualObjectStore.Passing());
        await Time.PassAsync(TimeSpan.Zero, Seconds(1));
        (await Inner.NextAsync()).Succeed();
        await put.WaitAsync(Seconds(30), Cancel);

        var head = store.HeadAsync(Key, Cancel);
        var slow = await Inner.NextAsync();
        await Time.PassAsync(Seconds(7.5), Seconds(7.5));
        (await Inner.NextAsync()).Succeed();
        await slow.EndCancelledAsync();
        await head.WaitAsync(Seconds(30), Cancel);

        Task[] deletes = [.. Enumerable.Range(0, 3).Select(_ => store.DeleteAsync(Key, Cancel))];
        var first = await Inner.NextAsync();
        await Until(() => store.Lanes[Lane.Small].Waiting == 1);
        Time.Advance(Seconds(2));
        listener.RecordObservableInstruments();
        first.Succeed();
        (await Inner.NextAsync()).Succeed();
        (await Inner.NextAsync()).Succeed();
        await Task.WhenAll(deletes).WaitAsync(Seconds(30), Cancel);

        Assert.Equal(
            [
                "checkpointer.store.breaker.state 0 ",
                "checkpointer.store.concurrency.in_flight 0 lane=read",
                "checkpointer.store.concurrency.in_flight 0 lane=write",
                "checkpointer.store.concurrency.in_flight 2 lane=small",
                "checkpointer.store.concurrency.limit 16 lane=write",
                "checkpointer.store.concurrency.limit 2 lane=small",
                "checkpointer.store.concurrency.limit 32 lane=read",
                "checkpointer.store.concurrency.waiting 0 lane=read",
                "checkpointer.store.concurrency.waiting 0 lane=write",
                "checkpointer.store.concurrency.waiting 1 lane=small",
                "checkpointer.store.hedges 1 operation=head outcome=won",
                "checkpointer.store.retries 1 operation=put code=storage_unavailable",
                "checkpointer.store.wait 2 lane=small",
            ],
            measured.Order(StringComparer.Ordinal));

        void Note(string name, string value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            lock (measured)
            {
                measured.Add($"{name} {value} {string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))}");
            }
        }
    }
}
