using System.Text.Json;
using Checkpointer.Storage;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Ceph;

namespace Checkpointer.S3.Tests.Objects;

public sealed class IndependentClientTests : IAsyncLifetime
{
    private Bucket? _bucket;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private Bucket Bucket => _bucket!;

    public async ValueTask InitializeAsync() => _bucket = await Bucket.NewAsync(await CephGateway.GetAsync(Cancel));

    public ValueTask DisposeAsync() => Bucket.DisposeAsync();

    [Fact]
    public async Task PutAsync_AwsCli_ListsAndDownloadsTheSameBytes()
    {
        using var folder = new TemporaryFolder();
        var bytes = TestBytes.Make(3_000_000, seed: 21);
        await Bucket.Store.PutAsync(
            new ObjectKey("runs/r/a.pack"), new ObjectContent([bytes.AsMemory(0, 1), bytes.AsMemory(1, 2_000_000), bytes.AsMemory(2_000_001)]), Cancel);
        await Bucket.Store.PutAsync(new ObjectKey("runs/r/MANIFEST.json"), new ObjectContent("{}"u8.ToArray()), Cancel);

        using var listing = JsonDocument.Parse(await Clients.AwsAsync(
            Bucket.Gateway, "s3api", "list-objects-v2", "--bucket", Bucket.Name, "--output", "json"));
        await Clients.AwsAsync(
            Bucket.Gateway, "s3", "cp", "--quiet", $"s3://{Bucket.Name}/some/prefix/runs/r/a.pack", folder.File("a.pack"));
        using var head = JsonDocument.Parse(await Clients.AwsAsync(
            Bucket.Gateway, "s3api", "head-object", "--bucket", Bucket.Name, "--key", "some/prefix/runs/r/MANIFEST.json", "--output", "json"));

        Assert.Equal(
            [("some/prefix/runs/r/MANIFEST.json", 2L), ("some/prefix/runs/r/a.pack", 3_000_000L)],
            listing.RootElement.GetProperty("Contents").EnumerateArray()
                .Select(item => (item.GetProperty("Key").GetString()!, item.GetProperty("Size").GetInt64())));
        Assert.Equal(bytes, await File.ReadAllBytesAsync(folder.File("a.pack"), Cancel));
        Assert.Equal("application/json", head.RootElement.GetProperty("ContentType").GetString());
    }

    [Fact]
    public async Task PutAsync_S3cmd_DownloadsAndNoUploadIsLeftUnfinished()
    {
        using var folder = new TemporaryFolder();
        var bytes = TestBytes.Make(20 << 20, seed: 22);
        await Bucket.Store.PutIfAbsentAsync(new ObjectKey("runs/r/a.pack"), new ObjectContent(bytes), Cancel);

        await Clients.S3cmdAsync(Bucket.Gateway, "get", $"s3://{Bucket.Name}/some/prefix/runs/r/a.pack", folder.File("a.pack"));

        Assert.Equal(bytes, await File.ReadAllBytesAsync(folder.File("a.pack"), Cancel));
        Assert.DoesNotContain(
            "Upload", await Clients.AwsAsync(Bucket.Gateway, "s3api", "list-multipart-uploads", "--bucket", Bucket.Name), StringComparison.Ordinal);
    }
}
