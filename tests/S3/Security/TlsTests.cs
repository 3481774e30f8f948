using System.Net;
using System.Net.Sockets;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage;
using Checkpointer.Storage.S3;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Ceph;

namespace Checkpointer.S3.Tests.Security;

/// <summary>A real server with a certificate of its own authority, addressed by path and by host.</summary>
public sealed class TlsTests
{
    private static readonly ObjectKey Key = new("runs/r/x");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EveryCall_CaFileNamed_Works()
    {
        await using var bucket = await Bucket.NewAsync(await CephGateway.GetWithTlsAsync(Cancel));

        await RoundTripAsync(bucket.Store);
    }

    [Fact]
    public async Task EveryCall_HostStyle_Works()
    {
        var gateway = await CephGateway.GetWithTlsAsync(Cancel);
        await using var bucket = await Bucket.NewAsync(gateway);
        string? asked = null;
        using var store = S3ObjectStore.Open(
            S3Settings.Resolve(
                new StoreOptions
                {
                    Url = $"s3://{bucket.Name}/p?addressing=host&endpoint=https://s3.localhost:{gateway.Endpoint.Port}"
                        + $"&credentials_file={gateway.CredentialsFile}&ca_file={gateway.CaFile}",
                },
                _ => null),
            TimeProvider.System,
            async (context, token) =>
            {
                asked = context.DnsEndPoint.Host;
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, context.DnsEndPoint.Port, token);
                return new NetworkStream(socket, ownsSocket: true);
            });

        await RoundTripAsync(store);

        Assert.Equal($"{bucket.Name}.s3.localhost", asked);
        using var byPath = Bucket.Open(gateway.StoreUrl($"{bucket.Name}/p"));
        Assert.NotNull(await byPath.HeadAsync(Key, Cancel));
    }

    [Fact]
    public async Task EveryCall_AuthorityNotTrusted_SaysToNameItsFile()
    {
        var gateway = await CephGateway.GetWithTlsAsync(Cancel);
        using var store = Bucket.Open($"s3://models?endpoint={gateway.Endpoint}&credentials_file={gateway.CredentialsFile}");

        var failure = await Assert.ThrowsAsync<CheckpointerException>(() => store.HeadAsync(Key, Cancel));

        Assert.Equal((ErrorCode.StorageFailed, false), (failure.Code, failure.IsTransient));
        Assert.Contains("name the authority's PEM file in ca_file (or AWS_CA_BUNDLE)", failure.Message, StringComparison.Ordinal);
        Secrets.RequireNone(failure.ToString(), gateway);
    }

    [Fact]
    public async Task EveryCall_AnotherAuthoritysFile_NamesTheFile()
    {
        using var folder = new TemporaryFolder();
        var other = folder.File("other.pem");
        using (var key = System.Security.Cryptography.RSA.Create(2048))
        {
            var request = new System.Security.Cryptography.X509Certificates.CertificateRequest(
                "CN=other", key, System.Security.Cryptography.HashAlgorithmName.SHA256, System.Security.Cryptography.RSASignaturePadding.Pkcs1);
            using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
            await File.WriteAllTextAsync(other, certificate.ExportCertificatePem(), Cancel);
        }

        var gateway = await CephGateway.GetWithTlsAsync(Cancel);
        using var store = Bucket.Open(
            $"s3://models?endpoint={gateway.Endpoint}&credentials_file={gateway.CredentialsFile}&ca_file={other}");

        var failure = await Assert.ThrowsAsync<CheckpointerException>(() => store.HeadAsync(Key, Cancel));

        Assert.Equal(ErrorCode.StorageFailed, failure.Code);
        Assert.Contains($"'{other}' (ca_file) must hold the authority", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EveryCall_TlsToAPortWithout_AsksAboutTheScheme()
    {
        var gateway = await CephGateway.GetAsync(Cancel);
        using var store = Bucket.Open($"s3://models?endpoint=https://127.0.0.1:{gateway.Endpoint.Port}&credentials_file={gateway.CredentialsFile}");

        var failure = await Assert.ThrowsAsync<CheckpointerException>(() => store.HeadAsync(Key, Cancel));

        Assert.Equal((ErrorCode.StorageUnavailable, true), (failure.Code, failure.IsTransient));
        Assert.Contains("or is http://", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "cannot be read")]
    [InlineData("no certificate", "no certificate in PEM form")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "cannot be read")]
    public void Open_CaFileOfNoUse_IsRefused(string? text, string words)
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("ca.pem");
        if (text is not null)
        {
            File.WriteAllText(file, text);
        }

        var failure = Assert.Throws<CheckpointerException>(() => Bucket.Open(
            $"s3://models?ca_file={file}", new S3Options { AccessKey = "a", SecretKey = "b" }));

        Assert.Equal(ErrorCode.ConfigurationInvalid, failure.Code);
        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
        Assert.Contains(file, failure.Message, StringComparison.Ordinal);
    }

    private static async Task RoundTripAsync(S3ObjectStore store)
    {
        var bytes = TestBytes.Make(3 << 20, seed: 41);
        Assert.Equal(PutOutcome.Created, await store.PutIfAbsentAsync(Key, new ObjectContent(bytes), Cancel));
        Assert.Equal(PutOutcome.AlreadyExists, await store.PutIfAbsentAsync(Key, new ObjectContent(bytes), Cancel));
        Assert.Equal(bytes, await store.ReadAllAsync(Key, bytes.Length, Cancel));
        await foreach (var found in store.ListAsync("runs/", Cancel))
        {
            Assert.Equal(Key, found.Key);
        }

        await store.PutAsync(new ObjectKey("runs/r/y"), new ObjectContent(bytes.AsMemory(0, 1)), Cancel);
        await store.DeleteAsync(new ObjectKey("runs/r/y"), Cancel);
        Assert.Null(await store.HeadAsync(new ObjectKey("runs/r/y"), Cancel));
    }
}
