namespace Checkpointer.Storage.S3;

/// <summary>
/// How to reach S3. For each setting the first of these that says something counts: the store URL's query, this (the
/// configuration file), the AWS_* environment variable, the default. Never printed whole: it may hold keys.
/// </summary>
public sealed record S3Options
{
    /// <summary>
    /// The server, <c>https://host[:port]</c> without a path. Environment: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL.
    /// Default: Amazon's for the region.
    /// </summary>
    public Uri? Endpoint { get; init; }

    /// <summary>The region requests are signed for. Environment: AWS_REGION, AWS_DEFAULT_REGION. Default: us-east-1.</summary>
    public string? Region { get; init; }

    /// <summary>Where the bucket's name goes. Default: path style, unless the endpoint is Amazon's.</summary>
    public S3Addressing Addressing { get; init; }

    /// <summary>
    /// A PEM file of authorities to trust instead of the system's, for an endpoint whose certificate a private
    /// authority issued. Environment: AWS_CA_BUNDLE.
    /// </summary>
    public string? CaFile { get; init; }

    /// <summary>
    /// An AWS shared credentials file. Read again whenever it changed, so keys rotate without a restart.
    /// Environment: AWS_SHARED_CREDENTIALS_FILE. Default: ~/.aws/credentials.
    /// </summary>
    public string? CredentialsFile { get; init; }

    /// <summary>The section of <see cref="CredentialsFile"/>. Environment: AWS_PROFILE. Default: <c>default</c>.</summary>
    public string? Profile { get; init; }

    /// <summary>The access key, with <see cref="SecretKey"/>. Environment: AWS_ACCESS_KEY_ID.</summary>
    public string? AccessKey { get; init; }

    /// <summary>The secret key. Environment: AWS_SECRET_ACCESS_KEY.</summary>
    public string? SecretKey { get; init; }

    /// <summary>The session token of temporary keys. Environment: AWS_SESSION_TOKEN.</summary>
    public string? SessionToken { get; init; }

    /// <summary>For which puts the server checks an MD5. Default: small objects only.</summary>
    public S3Checksum Checksum { get; init; }

    /// <summary>Longest wait for a connection, TLS included; 1 s to 5 min, default 10 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long nothing of a request may move before it is given up; 1 s to 1 h, default 30 s. Not counted while the server
    /// works on an upload that it has whole. How long a request takes in all has no limit here.
    /// </summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Most connections to the endpoint at once; 1 to 1024, default 64.</summary>
    public int MaxConnections { get; init; } = 64;

    /// <summary>Leaves keys out: records print all their members, and options end up in logs.</summary>
    public override string ToString() => $"{nameof(S3Options)} {{ {nameof(Endpoint)} = {Endpoint?.GetLeftPart(UriPartial.Path)}, {nameof(Region)} = {Region} }}";
}
