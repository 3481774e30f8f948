namespace Checkpointer.Storage.S3;

/// <summary>How a store on S3 would be reached, as its URL, options and environment say together; holds no secret.</summary>
public sealed record S3Facts
{
    /// <summary>Scheme, host and port of the server.</summary>
    public required Uri Endpoint { get; init; }

    /// <summary>File of the authorities to trust; null for the system's.</summary>
    public string? CaFile { get; init; }

    /// <summary>Where the keys come from, for people.</summary>
    public required string Keys { get; init; }

    /// <summary>The facts of <paramref name="options"/>; settings that make no sense are <c>configuration_invalid</c>.</summary>
    public static S3Facts Of(StoreOptions options)
    {
        var settings = S3Settings.Resolve(options, Environment.GetEnvironmentVariable);
        var keys = settings.Credentials;
        return new S3Facts
        {
            Endpoint = settings.Endpoint,
            CaFile = settings.CaFile,
            Keys = keys.Given is null
                ? $"profile '{keys.Profile}' of '{keys.File}'"
                : options.S3.AccessKey is { Length: > 0 } ? "the configuration file" : "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        };
    }
}
