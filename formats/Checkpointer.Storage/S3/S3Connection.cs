using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.S3;

/// <summary>How an S3 store is reached once URL, options and environment are put together, for people; holds no secret.</summary>
public sealed record S3Connection
{
    /// <summary>Scheme, host and port.</summary>
    public required Uri Endpoint { get; init; }

    /// <summary>The PEM file of trusted authorities; null: the system's.</summary>
    public string? CaFile { get; init; }

    /// <summary>Where the keys come from, in words.</summary>
    public required string CredentialsFrom { get; init; }

    /// <summary>The file they are read from; null if they are given otherwise.</summary>
    public string? CredentialsFile { get; init; }

    /// <summary>
    /// How the store of <paramref name="store"/> is reached; null if it is no S3 store. Opens nothing. What makes no sense is
    /// <see cref="ErrorCode.ConfigurationInvalid"/>.
    /// </summary>
    public static S3Connection? Describe(StoreOptions store)
    {
        ArgumentNullException.ThrowIfNull(store);
        if (!store.Url.StartsWith("s3://", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var settings = S3Settings.Resolve(store, Environment.GetEnvironmentVariable);
        var credentials = settings.Credentials;
        return new S3Connection
        {
            Endpoint = settings.Endpoint,
            CaFile = settings.CaFile,
            CredentialsFrom = credentials.Given is null ? $"section [{credentials.Profile}] of '{credentials.File}'" : credentials.GivenBy,
            CredentialsFile = credentials.Given is null ? credentials.File : null,
        };
    }
}
