using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.S3;

namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>Whether what goes to the store is encrypted, by a certificate that is trusted and not about to expire.</summary>
internal sealed class TlsCheck : ICheck
{
    private static readonly TimeSpan WarnBefore = TimeSpan.FromDays(14);

    public async Task<IReadOnlyList<Finding>> RunAsync(Surroundings surroundings, CancellationToken cancellationToken)
    {
        try
        {
            if (surroundings.Options.Store is not { } store || S3Connection.Describe(store) is not { } s3)
            {
                return [Finding.Skipped("the store is none that is reached by network addresses")];
            }

            return s3.Endpoint.Scheme == Uri.UriSchemeHttps
                ? [await HandshakeAsync(s3, surroundings.Time, cancellationToken).ConfigureAwait(false)]
                : s3.Endpoint.IsLoopback
                    ? [Finding.Ok("not used, on this machine only")]
                    : [Finding.Warning(
                        $"not used: what goes to {s3.Endpoint.Host} can be read and changed on its way",
                        "Use an https:// endpoint; ca_file=… names a private authority.")];
        }
        catch (CheckpointerException)
        {
            return [Finding.Skipped("not known: the store's settings are wrong")];
        }
    }

    private static async Task<Finding> HandshakeAsync(S3Connection s3, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck };
            if (s3.CaFile is not null)
            {
                policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
                policy.CustomTrustStore.ImportFromPemFile(s3.CaFile);
            }

            using var client = new TcpClient();
            await client.ConnectAsync(s3.Endpoint.Host, s3.Endpoint.Port, cancellationToken).ConfigureAwait(false);
            await using var stream = new SslStream(client.GetStream());
            await stream.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions { TargetHost = s3.Endpoint.Host, CertificateChainPolicy = policy }, cancellationToken).ConfigureAwait(false);
            using var certificate = new X509Certificate2(stream.RemoteCertificate!);
            var ends = new DateTimeOffset(certificate.NotAfter);
            var found = string.Create(CultureInfo.InvariantCulture, $"{stream.SslProtocol}, certificate of {certificate.Subject} until {ends:yyyy-MM-dd}");
            return ends - time.GetUtcNow() < WarnBefore ? Finding.Warning(found, "Renew the certificate.") : Finding.Ok(found);
        }
        catch (AuthenticationException e)
        {
            return Finding.Failed(
                $"the certificate of {s3.Endpoint.Host} is not accepted: {e.Message}",
                "If a private authority issued it, name that with ca_file=… or AWS_CA_BUNDLE; else renew it, or use the name it was issued for.");
        }
        catch (SocketException)
        {
            return Finding.Skipped("not known: nothing answers there");
        }
        catch (Exception e) when (e is IOException or CryptographicException)
        {
            return Finding.Failed($"no TLS with {s3.Endpoint.Authority}: {e.Message}", "Perhaps the endpoint speaks http only, or the ca_file is none.");
        }
    }
}
