using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.S3;

namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>Whether the certificate of an S3 server is trusted, and for how long: one that runs out stops every save at once.</summary>
internal sealed class CertificateCheck(DoctorSubject subject, TimeProvider time) : IDoctorCheck
{
    private const string Certificate = "certificate";

    private static readonly TimeSpan Soon = TimeSpan.FromDays(14);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public string Area => "store";

    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellationToken)
    {
        if (Facts() is not { } facts || facts.Endpoint.Scheme != Uri.UriSchemeHttps)
        {
            return [];
        }

        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck };
        List<Finding> found = [];
        if (facts.CaFile is { } file)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            found.Add(Authorities(file, policy.CustomTrustStore));
        }

        if (found.TrueForAll(finding => finding.Outcome == FindingOutcome.Ok))
        {
            found.Add(await ServerAsync(facts.Endpoint, policy, cancellationToken).ConfigureAwait(false));
        }

        return found;
    }

    private S3Facts? Facts()
    {
        try
        {
            return subject.Store is { } store && store.Url.StartsWith("s3://", StringComparison.OrdinalIgnoreCase) ? S3Facts.Of(store) : null;
        }
        catch (CheckpointerException)
        {
            return null; // the configuration's check says what is wrong with it
        }
    }

    private Finding Authorities(string file, X509Certificate2Collection into)
    {
        const string Remedy = "Correct ca_file: it must be a PEM file that the agent's and the service's user can read.";
        try
        {
            into.ImportFromPemFile(file);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            return Finding.Failed(Area, "authorities", $"'{file}' cannot be read: {e.Message}", Remedy);
        }

        return into.Count > 0
            ? Finding.Ok(Area, "authorities", string.Create(CultureInfo.InvariantCulture, $"{into.Count} in '{file}'"))
            : Finding.Failed(Area, "authorities", $"'{file}' holds no certificate", Remedy);
    }

    private async Task<Finding> ServerAsync(Uri endpoint, X509ChainPolicy policy, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(endpoint.IdnHost, endpoint.Port, limit.Token).ConfigureAwait(false);
            return await HandshakeAsync(client, endpoint, policy, limit.Token).ConfigureAwait(false);
        }
        catch (SocketException)
        {
            return Finding.Skipped(Area, Certificate, $"nobody answers at {endpoint.Authority}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Finding.Skipped(Area, Certificate, $"{endpoint.Authority} did not show one within {Patience.TotalSeconds:0} s");
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            return Finding.Failed(
                Area, Certificate, $"{endpoint.Authority} does not speak TLS as it should: {e.Message}", "Correct the endpoint's scheme or port.");
        }
    }

    private async Task<Finding> HandshakeAsync(TcpClient client, Uri endpoint, X509ChainPolicy policy, CancellationToken cancellationToken)
    {
        Finding? finding = null;
        var stream = new SslStream(client.GetStream());
        await using (stream.ConfigureAwait(false))
        {
            var options = new SslClientAuthenticationOptions
            {
                TargetHost = endpoint.IdnHost,
                CertificateChainPolicy = policy,

                RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
                {
                    finding = Judge(endpoint, (X509Certificate2)certificate!, chain!, errors);
                    return errors == SslPolicyErrors.None;
                },
            };
            try
            {
                await stream.AuthenticateAsClientAsync(options, cancellationToken).ConfigureAwait(false);
            }
            catch (AuthenticationException) when (finding is not null)
            {
                // The certificate was refused, and the finding says why.
            }
        }

        return finding!;
    }

    private Finding Judge(Uri endpoint, X509Certificate2 certificate, X509Chain chain, SslPolicyErrors errors)
    {
        // What runs out first ends it: the server's own, or an authority's above it.
        var first = chain.ChainElements.Select(element => element.Certificate).Append(certificate).MinBy(one => one.NotAfter)!;
        var whose = first.Thumbprint == certificate.Thumbprint ? "it" : $"that of '{first.Subject}' above it";
        var left = first.NotAfter.ToUniversalTime() - time.GetUtcNow();
        var date = first.NotAfter.ToUniversalTime().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        var days = string.Create(CultureInfo.InvariantCulture, $"{Math.Abs(left.TotalDays):0.#} days");
        return left <= TimeSpan.Zero
            ? Finding.Failed(Area, Certificate, $"{whose} ran out on {date}, {days} ago", "Renew it at the S3 server.")
            : errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch)
                ? Finding.Failed(
                    Area, Certificate, $"is not for '{endpoint.IdnHost}' but '{certificate.GetNameInfo(X509NameType.DnsName, false)}'",
                    "Name the endpoint as its certificate does, or have one issued for that name.")
            : errors != SslPolicyErrors.None
                ? Finding.Failed(
                    Area, Certificate, $"is not trusted: {string.Join("; ", chain.ChainStatus.Select(status => status.StatusInformation.TrimEnd('.', ' ')))}",
                    "Name the PEM file of the authority that signed it with ca_file.")
            : left < Soon
                ? Finding.Warning(Area, Certificate, $"{whose} runs out on {date}, in {days}; nothing is stored from then on", "Renew it at the S3 server before then.")
            : Finding.Ok(Area, Certificate, $"good until {date}, {days}");
    }
}
