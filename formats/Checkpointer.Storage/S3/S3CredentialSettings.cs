using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.S3;

/// <summary>Where the keys are to come from: the keys given, or a section of a file that is read when they are needed.</summary>
internal sealed record S3CredentialSettings(S3Credentials? Given, string File, string Profile)
{
    /// <summary>What gave <see cref="Given"/>, for messages.</summary>
    public string GivenBy { get; init; } = "";

    /// <summary>
    /// Keys of the options win over a file that URL or options name; that over keys of the environment; the file that
    /// the environment names, or the usual one, comes last.
    /// </summary>
    public static S3CredentialSettings Resolve(
        IReadOnlyDictionary<string, string> url, S3Options options, Func<string, string?> environment)
    {
        var file = Text(url.GetValueOrDefault("credentials_file")) ?? Text(options.CredentialsFile);
        var chosenProfile = Text(url.GetValueOrDefault("profile")) ?? Text(options.Profile);
        var given = url.ContainsKey("credentials_file") || url.ContainsKey("profile")
            ? null
            : Keys(
                options.AccessKey, options.SecretKey, options.SessionToken,
                "the configuration's store.s3.access_key", "store.s3.secret_key");
        var by = "the configuration (store.s3.access_key)";
        if (given is null && file is null && chosenProfile is null)
        {
            by = "the environment (AWS_ACCESS_KEY_ID)";
            given = Keys(
                environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"), environment("AWS_SESSION_TOKEN"),
                "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
        }

        file ??= Text(environment("AWS_SHARED_CREDENTIALS_FILE"))
            ?? Path.Combine(Text(environment("HOME")) ?? "/root", ".aws", "credentials");
        return new S3CredentialSettings(given, file, chosenProfile ?? Text(environment("AWS_PROFILE")) ?? "default") { GivenBy = by };
    }

    private static S3Credentials? Keys(string? access, string? secret, string? token, string accessName, string secretName)
    {
        (access, secret, token) = (Text(access), Text(secret), Text(token));
        if (access is null && secret is null)
        {
            return null;
        }

        return access is not null && secret is not null
            ? new S3Credentials(access, secret, token)
            : throw new CheckpointerException(
                ErrorCode.ConfigurationInvalid,
                access is null
                    ? $"S3 credentials are incomplete: {secretName} is set and {accessName} is not."
                    : $"S3 credentials are incomplete: {accessName} is set and {secretName} is not.");
    }

    private static string? Text(string? value) => string.IsNullOrWhiteSpace(value) ? null : value.Trim();
}
