using Checkpointer.Storage;
using Checkpointer.Storage.Tests.Conformance;
using Checkpointer.TestKit.Ceph;

namespace Checkpointer.S3.Tests.Conformance;

/// <summary>The contract of every store, on a real S3 server.</summary>
public sealed class S3ConformanceTests : ObjectStoreConformance, IAsyncLifetime
{
    private Bucket? _bucket;

    internal override IObjectStore Store => _bucket!.Store;

    public async ValueTask InitializeAsync() =>
        _bucket = await Bucket.NewAsync(await CephGateway.GetAsync(TestContext.Current.CancellationToken));

    public ValueTask DisposeAsync() => _bucket!.DisposeAsync();
}
