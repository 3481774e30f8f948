using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Checkpointer.Cli.Doctor;
using Checkpointer.Cli.Doctor.Checks;
using Checkpointer.Storage;
using Checkpointer.TestKit;

namespace Checkpointer.Cli.Tests.Doctor;

/// <summary>Certificates of servers of this test's making.</summary>
public sealed class CertificateCheckTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(90, "127.0.0.1", true, "ok", "good until")]
    [InlineData(13, "127.0.0.1", true, "warning", "it runs out on")]
    [InlineData(-1, "127.0.0.1", true, "failed", "it ran out on")]
    [InlineData(90, "127.0.0.2", true, "failed", "is not for '127.0.0.1'")]
    [InlineData(90, "127.0.0.1", false, "failed", "is not trusted")]
    public async Task Certificate_IsJudged(int days, string address, bool trusted, string outcome, string says)
    {
        using var certificate = Certify(days, address);
        using var other = Certify(90, address);
        await File.WriteAllTextAsync(_folder.File("ca.pem"), (trusted ? certificate : other).ExportCertificatePem(), Cancel);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var served = ServeOneAsync(listener, certificate);

        var found = await CheckAsync(((IPEndPoint)listener.LocalEndpoint).Port);

        await served;
        Assert.Equal(["authorities", "certificate"], found.Select(finding => finding.Check));
        Assert.Equal(FindingOutcome.Ok, found[0].Outcome);
        Assert.Equal(outcome, found[1].Outcome.ToString().ToLowerInvariant());
        Assert.Contains(says, found[1].Found, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "cannot be read")]
    [InlineData("nothing", "holds no certificate")]
    public async Task Authorities_ThatCannotBeUsed_Fail_AndNobodyIsAsked(string? text, string says)
    {
        if (text is not null)
        {
            await File.WriteAllTextAsync(_folder.File("ca.pem"), text, Cancel);
        }

        var finding = Assert.Single(await CheckAsync(port: 1));

        Assert.Equal(FindingOutcome.Failed, finding.Outcome);
        Assert.Contains(says, finding.Found, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NobodyThere_IsLeftToTheStoresCheck()
    {
        using var certificate = Certify(90, "127.0.0.1");
        await File.WriteAllTextAsync(_folder.File("ca.pem"), certificate.ExportCertificatePem(), Cancel);

        Assert.Equal(FindingOutcome.Skipped, (await CheckAsync(port: 1))[1].Outcome);
    }

    [Theory]
    [InlineData("s3://bucket?endpoint=http://127.0.0.1:1")]
    [InlineData("/tmp")]
    public async Task NoTls_NothingToSay(string url) => Assert.Empty(await CheckAsync(url));

    private Task<IReadOnlyList<Finding>> CheckAsync(int port) => CheckAsync(
        string.Create(CultureInfo.InvariantCulture, $"s3://bucket?endpoint=https://127.0.0.1:{port}&ca_file={_folder.File("ca.pem")}"));

    private static Task<IReadOnlyList<Finding>> CheckAsync(string url) => new CertificateCheck(
        CheckSubject.Plain with { Store = new StoreOptions { Url = url } }, TimeProvider.System).RunAsync(Cancel);

    private static X509Certificate2 Certify(int days, string address)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=gateway", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Parse(address));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        var end = TimeProvider.System.GetUtcNow().AddDays(days);
        return request.CreateSelfSigned(end.AddDays(-365), end);
    }

    // Nothing is asked of the server but its certificate.
    private static async Task ServeOneAsync(TcpListener listener, X509Certificate2 certificate)
    {
        using var client = await listener.AcceptTcpClientAsync(Cancel);
        await using var stream = new SslStream(client.GetStream());
        try
        {
            await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, Cancel);
            Assert.Equal(0, await stream.ReadAsync(new byte[1], Cancel));
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            // The client refused the certificate.
        }
    }
}
