using System.Runtime.CompilerServices;

namespace Checkpointer.Storage.S3;

/// <summary>
/// Presigns requests with the Minio SDK's own signer. The SDK's public methods presign only GET and PUT, only with the
/// bucket in the path and only by the machine's clock; its signer underneath can do any method, any host and any
/// time, so that one way of signing serves everything here. It is internal to the SDK, whose version is pinned: a test
/// checks its signatures against the example that AWS publishes.
/// </summary>
internal static class S3Signer
{
    /// <summary>
    /// How long a signed request may take to reach the server (it may take longer to be answered). As long as the clocks
    /// may differ anyway.
    /// </summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(15);

    private const string Authenticator = "Minio.V4Authenticator, Minio";
    private const string Builder = "Minio.HttpRequestMessageBuilder, Minio";

    /// <summary>
    /// The URI that lets whoever holds it do <paramref name="method"/> once or more until it expires: a secret.
    /// <paramref name="uri"/>'s query must be escaped as RFC 3986 says and may be empty.
    /// </summary>
    public static Uri Presign(
        HttpMethod method, Uri uri, S3Credentials credentials, string region, DateTimeOffset now, TimeSpan lifetime)
    {
        var authenticator = NewAuthenticator(
            uri.Scheme == Uri.UriSchemeHttps, credentials.AccessKey, credentials.SecretKey, region, credentials.SessionToken ?? "");
        return new Uri(Presign(
            authenticator,
            NewRequest(method, uri),
            (int)lifetime.TotalSeconds,
            region,
            credentials.SessionToken ?? "",
            now.UtcDateTime));
    }

    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    [return: UnsafeAccessorType(Authenticator)]
    private static extern object NewAuthenticator(bool secure, string accessKey, string secretKey, string region, string sessionToken);

    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    [return: UnsafeAccessorType(Builder)]
    private static extern object NewRequest(HttpMethod method, Uri uri);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "PresignURL")]
    private static extern string Presign(
        [UnsafeAccessorType(Authenticator)] object authenticator,
        [UnsafeAccessorType(Builder)] object request,
        int expires,
        string region,
        string sessionToken,
        DateTime? now);
}
