using System.Diagnostics.Metrics;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.Decorators;
using Checkpointer.Storage.FileSystem;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Faults;

namespace Checkpointer.Storage.Tests.Decorators;

public sealed class MeteredObjectStoreTests
{
    [Fact]
    public async Task Calls_GoodAndBad_AreMeasuredUnderTheDocumentedNames()
    {
        var cancel = TestContext.Current.CancellationToken;
        using var folder = new TemporaryFolder();
        using var files = new FileSystemObjectStore(folder.Path);
        using var meter = new Meter("test");
        var measured = new List<string>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (ReferenceEquals(instrument.Meter, meter))
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument.Name, $"{value}", tags));
        listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Note(instrument.Name, "", tags));
        listener.Start();
        var faulty = new FaultInjectingObjectStore(
            files, FaultPlans.Script(StoreFault.None, StoreFault.StorageFull), TimeProvider.System);
        var store = new MeteredObjectStore(faulty, meter, TimeProvider.System);
        var content = new ObjectContent(new byte[7]);

        _ = await store.PutIfAbsentAsync(new ObjectKey("a"), content, cancel);
        await Assert.ThrowsAsync<CheckpointerException>(() => store.PutAsync(new ObjectKey("b"), content, cancel));
        _ = await store.PutIfAbsentAsync(new ObjectKey("a"), content, cancel);

        Assert.Equal(
            [
                "checkpointer.store.bytes 7 operation=put_if_absent",
                "checkpointer.store.duration  operation=put_if_absent outcome=ok",
                "checkpointer.store.errors 1 operation=put code=storage_full transient=False",
                "checkpointer.store.duration  operation=put outcome=storage_full",
                "checkpointer.store.duration  operation=put_if_absent outcome=ok",
            ],
            measured);

        void Note(string name, string value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
            measured.Add($"{name} {value} {string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))}");
    }
}
