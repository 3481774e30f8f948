using Checkpointer.Storage;
using Checkpointer.Storage.S3;
using Checkpointer.TestKit.Ceph;

namespace Checkpointer.S3.Tests;

/// <summary>A bucket of a test's own on the gateway, with a store on a prefix of it; gone when disposed.</summary>
internal sealed class Bucket : IAsyncDisposable
{
    private Bucket(CephGateway gateway, string name)
    {
        Gateway = gateway;
        Name = name;
        Store = Open(Url);
    }

    public CephGateway Gateway { get; }

    public string Name { get; }

    public string Url => Gateway.StoreUrl($"{Name}/some/prefix");

    public S3ObjectStore Store { get; }

    public static async Task<Bucket> NewAsync(CephGateway gateway) =>
        new(gateway, await gateway.NewBucketAsync(TestContext.Current.CancellationToken));

    /// <summary>Opens a store with nothing of the machine's environment, so that it is what the test says.</summary>
    public static S3ObjectStore Open(string url, S3Options? options = null, TimeProvider? time = null) => S3ObjectStore.Open(
        S3Settings.Resolve(new StoreOptions { Url = url, S3 = options ?? new S3Options() }, _ => null), time ?? TimeProvider.System);

    public async ValueTask DisposeAsync()
    {
        Store.Dispose();
        await Gateway.DeleteBucketAsync(Name, CancellationToken.None);
    }
}
