using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.S3;

/// <summary>The connections to an S3 endpoint: a pool that does what it is told and nothing besides.</summary>
internal static class S3Transport
{
    // Below the 60 s and more after which servers and load balancers close idle connections.
    private static readonly TimeSpan PooledIdleTimeout = TimeSpan.FromSeconds(30);

    // So that a change of the endpoint's addresses is noticed.
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Opens the pool; nothing is connected yet. A CA file that cannot be used is
    /// <see cref="ErrorCode.ConfigurationInvalid"/>. <paramref name="connect"/> replaces looking up and connecting.
    /// </summary>
    public static HttpClient Open(
        S3Settings settings, Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>>? connect)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            UseProxy = false,
            ConnectTimeout = settings.ConnectTimeout,
            ConnectCallback = connect,
            MaxConnectionsPerServer = settings.MaxConnections,
            PooledConnectionIdleTimeout = PooledIdleTimeout,
            PooledConnectionLifetime = ConnectionLifetime,

            // Asked for every header as it is written: the one sign that a request has its connection. Null leaves it as it is.
            RequestHeaderEncodingSelector = static (_, request) =>
            {
                if (request.Content is null && request.Options.TryGetValue(StallWatch.Option, out var watch))
                {
                    watch.Asking();
                }

                return null;
            },

            // Presigned URLs are secrets: with this no span is made of a request, so none can carry its URL. The store's
            // own spans and metrics say what there is to say.
            ActivityHeadersPropagator = null,
        };
        if (settings.CaFile is not null)
        {
            handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = Trusting(settings.CaFile) };
        }

        // Whoever calls the store sets deadlines: how long is right depends on the object's size.
        return new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    private static X509ChainPolicy Trusting(string caFile)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        try
        {
            policy.CustomTrustStore.ImportFromPemFile(caFile);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new CheckpointerException(
                ErrorCode.ConfigurationInvalid, $"The store's ca_file '{caFile}' cannot be read: {e.Message}", inner: e);
        }

        return policy.CustomTrustStore.Count > 0
            ? policy
            : throw new CheckpointerException(
                ErrorCode.ConfigurationInvalid, $"The store's ca_file '{caFile}' holds no certificate in PEM form.");
    }
}
