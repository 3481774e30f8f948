using Checkpointer.Formats.Errors;
using Checkpointer.Storage;
using Checkpointer.Storage.S3;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Ceph;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.S3.Tests.Answers;

/// <summary>What a real server refuses, and what a user then reads.</summary>
public sealed class DenialTests : IAsyncLifetime
{
    private static readonly ObjectKey Key = new("runs/r/x");
    private Bucket? _bucket;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private Bucket Bucket => _bucket!;

    public async ValueTask InitializeAsync() => _bucket = await Bucket.NewAsync(await CephGateway.GetAsync(Cancel));

    public ValueTask DisposeAsync() => Bucket.DisposeAsync();

    [Fact]
    public async Task EveryCall_UnknownAccessKey_IsDenied()
    {
        using var store = Open(new S3Options { AccessKey = "AKIANOBODY", SecretKey = Bucket.Gateway.SecretKey });

        await DeniedAsync(store, "does not know the access key of the configuration");
    }

    [Fact]
    public async Task EveryCall_WrongSecretKey_IsDenied()
    {
        using var store = Open(new S3Options { AccessKey = Bucket.Gateway.AccessKey, SecretKey = "wrong" });

        await DeniedAsync(store, "secret key of the configuration (store.s3.access_key) does not belong to its access key");
    }

    /// <summary>This server does not mind requests from its future; for one that does see <see cref="AnswerTests"/>.</summary>
    [Theory]
    [InlineData(-20, "20 min behind")]
    [InlineData(-60 * 24 * 9, "9 days behind")]
    public async Task EveryCall_ClocksApart_SaysHowFar(int minutes, string apart)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow.AddMinutes(minutes));
        using var store = Bucket.Open(Bucket.Url, null, time);

        await DeniedAsync(store, apart);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(-4)]
    public async Task EveryCall_ClocksALittleApart_Works(int minutes)
    {
        using var store = Bucket.Open(Bucket.Url, null, new FakeTimeProvider(DateTimeOffset.UtcNow.AddMinutes(minutes)));

        await store.PutAsync(Key, new ObjectContent(new byte[1]), Cancel);

        Assert.NotNull(await store.HeadAsync(Key, Cancel));
    }

    [Fact]
    public async Task EveryCall_NoBucket_NamesTheCommandThatMakesIt()
    {
        using var store = Bucket.Open(Bucket.Gateway.StoreUrl("no-such-bucket-here"));

        foreach (var failure in await FailuresAsync(store))
        {
            Assert.Equal((ErrorCode.StorageFailed, false), (failure.Code, failure.IsTransient));
            Assert.Contains("bucket 'no-such-bucket-here'", failure.Message, StringComparison.Ordinal);
            Assert.Contains(
                $"aws --endpoint-url http://127.0.0.1:{Bucket.Gateway.Endpoint.Port} s3 mb s3://no-such-bucket-here",
                failure.Message,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task EveryCall_KeysReplacedInTheFile_WorksAgainWithoutARestart()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("credentials");
        await File.WriteAllTextAsync(file, "[default]\naws_access_key_id = AKIANOBODY\naws_secret_access_key = wrong\n", Cancel);
        using var store = Bucket.Open(
            $"s3://{Bucket.Name}?endpoint={Bucket.Gateway.Endpoint}&credentials_file={file}", null, new FakeTimeProvider(DateTimeOffset.UtcNow));
        var failure = await Assert.ThrowsAsync<CheckpointerException>(() => store.PutAsync(Key, new ObjectContent(new byte[1]), Cancel));
        Assert.Contains($"section [default] of '{file}'", failure.Message, StringComparison.Ordinal);

        File.Copy(Bucket.Gateway.CredentialsFile, file, overwrite: true);

        await store.PutAsync(Key, new ObjectContent(new byte[1]), Cancel);
    }

    private S3ObjectStore Open(S3Options keys) =>
        Bucket.Open($"s3://{Bucket.Name}?endpoint={Bucket.Gateway.Endpoint}", keys);

    private async Task DeniedAsync(S3ObjectStore store, string reason)
    {
        foreach (var failure in await FailuresAsync(store))
        {
            Assert.Equal((ErrorCode.StorageDenied, false), (failure.Code, failure.IsTransient));
            Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
            Assert.Contains($"in bucket '{Bucket.Name}' at {Bucket.Gateway.Endpoint.GetLeftPart(UriPartial.Authority)}:", failure.Message, StringComparison.Ordinal);
            Secrets.RequireNone(failure.ToString(), Bucket.Gateway);
        }
    }

    private static async Task<List<CheckpointerException>> FailuresAsync(S3ObjectStore store) =>
    [
        await Assert.ThrowsAsync<CheckpointerException>(() => store.PutAsync(Key, new ObjectContent(new byte[1]), Cancel)),
        await Assert.ThrowsAsync<CheckpointerException>(() => store.PutIfAbsentAsync(Key, new ObjectContent(new byte[3 << 20]), Cancel)),
        await Assert.ThrowsAsync<CheckpointerException>(() => store.ReadAsync(Key, 0, new byte[1], Cancel)),
        await Assert.ThrowsAsync<CheckpointerException>(() => store.HeadAsync(Key, Cancel)),
        await Assert.ThrowsAsync<CheckpointerException>(() => store.DeleteAsync(Key, Cancel)),
        await Assert.ThrowsAsync<CheckpointerException>(async () =>
        {
            await foreach (var _ in store.ListAsync("", Cancel))
            {
            }
        }),
    ];
}
