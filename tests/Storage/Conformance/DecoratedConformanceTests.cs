using System.Diagnostics.Metrics;
using Checkpointer.Storage.Decorators;
using Checkpointer.Storage.FileSystem;
using Checkpointer.Storage.Resilience;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Faults;

namespace Checkpointer.Storage.Tests.Conformance;

/// <summary>The contract through a decorator over a file system.</summary>
public abstract class DecoratedConformance : ObjectStoreConformance, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FileSystemObjectStore _files;
    private readonly Meter _meter = new("test");

    private protected DecoratedConformance()
    {
        _files = new FileSystemObjectStore(_folder.Path);
        Store = Decorate(_files, _meter);
    }

    internal sealed override IObjectStore Store { get; }

    public void Dispose()
    {
        _files.Dispose();
        _folder.Dispose();
        _meter.Dispose();
        GC.SuppressFinalize(this);
    }

    internal abstract IObjectStore Decorate(IObjectStore store, Meter meter);
}

public sealed class MeteredConformanceTests : DecoratedConformance
{
    internal override IObjectStore Decorate(IObjectStore store, Meter meter) =>
        new MeteredObjectStore(store, meter, TimeProvider.System);
}

public sealed class FaultFreeConformanceTests : DecoratedConformance
{
    internal override IObjectStore Decorate(IObjectStore store, Meter meter) =>
        new FaultInjectingObjectStore(store, FaultPlans.Script(), TimeProvider.System);
}

/// <summary>A store that fails in passing one call in five is, behind the resilient one, as good as one that never fails.</summary>
public sealed class ResilientConformanceTests : DecoratedConformance
{
    internal override IObjectStore Decorate(IObjectStore store, Meter meter) => new ResilientObjectStore(
        new FaultInjectingObjectStore(
            store,
            FaultPlans.Seeded(seed: 4711, rate: 0.2, StoreFault.FailBefore, StoreFault.TornRead, StoreFault.Delay),
            TimeProvider.System),
        new ResilienceOptions { MaxAttempts = 20, RetryDelay = TimeSpan.FromMilliseconds(1) },
        meter,
        TimeProvider.System,
        new Random(1));
}
