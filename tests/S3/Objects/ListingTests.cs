using System.Globalization;
using Checkpointer.Storage;
using Checkpointer.Storage.S3;
using Checkpointer.TestKit.Ceph;

namespace Checkpointer.S3.Tests.Objects;

public sealed class ListingTests : IAsyncLifetime
{
    private Bucket? _bucket;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private Bucket Bucket => _bucket!;

    public async ValueTask InitializeAsync() => _bucket = await Bucket.NewAsync(await CephGateway.GetAsync(Cancel));

    public ValueTask DisposeAsync() => Bucket.DisposeAsync();

    [Fact]
    public async Task ListAsync_MoreThanTwoPages_GivesAllInOrder()
    {
        var keys = Enumerable.Range(0, 2_003).Select(i => "runs/r/" + i.ToString("d4", CultureInfo.InvariantCulture)).ToList();
        await Parallel.ForEachAsync(
            keys,
            new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Cancel },
            async (key, token) => await Bucket.Store.PutAsync(new ObjectKey(key), new ObjectContent(new byte[1]), token));

        Assert.Equal(keys, await KeysAsync(Bucket.Store, "runs/"));
        Assert.Equal(keys[1000..1010], await KeysAsync(Bucket.Store, "runs/r/100"));
    }

    [Fact]
    public async Task ListAsync_OtherPrefixesAndForeignObjects_AreNotSeen()
    {
        using var other = Bucket.Open(Bucket.Gateway.StoreUrl($"{Bucket.Name}/some/prefix2"));
        using var whole = Bucket.Open(Bucket.Gateway.StoreUrl(Bucket.Name));
        await Bucket.Store.PutAsync(new ObjectKey("runs/mine"), new ObjectContent(new byte[3]), Cancel);
        await other.PutAsync(new ObjectKey("runs/other"), new ObjectContent(new byte[1]), Cancel);
        foreach (var foreign in new[] { "some/prefix/", "some/prefix/runs/", "some/prefix/runs/with space+plus%41", "some/prefix/runs/ünï" })
        {
            await Clients.AwsAsync(
                Bucket.Gateway, "s3api", "put-object", "--bucket", Bucket.Name, "--key", foreign);
        }

        Assert.Equal(["runs/mine"], await KeysAsync(Bucket.Store, ""));
        Assert.Equal(["runs/mine"], await KeysAsync(Bucket.Store, "runs/"));
        Assert.Equal(["runs/other"], await KeysAsync(other, ""));
        Assert.Equal(["some/prefix/runs/mine", "some/prefix2/runs/other"], await KeysAsync(whole, "some/"));
    }

    [Fact]
    public async Task ListAsync_Facts_AreThoseOfHead()
    {
        var key = new ObjectKey("runs/mine");
        await Bucket.Store.PutAsync(key, new ObjectContent(new byte[123]), Cancel);
        var before = DateTimeOffset.UtcNow;

        var found = new List<ObjectInfo>();
        await foreach (var info in Bucket.Store.ListAsync("runs/m", Cancel))
        {
            found.Add(info);
        }

        var head = (await Bucket.Store.HeadAsync(key, Cancel))!.Value;
        Assert.Equal((key, 123L), (Assert.Single(found).Key, found[0].SizeBytes));
        Assert.Equal((key, 123L), (head.Key, head.SizeBytes));
        Assert.InRange(found[0].LastModified, before.AddMinutes(-1), before.AddMinutes(1));
        Assert.InRange(head.LastModified, found[0].LastModified.AddSeconds(-1), found[0].LastModified.AddSeconds(1));
    }

    private static async Task<List<string>> KeysAsync(S3ObjectStore store, string prefix)
    {
        var keys = new List<string>();
        await foreach (var found in store.ListAsync(prefix, Cancel))
        {
            keys.Add(found.Key.Value);
        }

        return keys;
    }
}
