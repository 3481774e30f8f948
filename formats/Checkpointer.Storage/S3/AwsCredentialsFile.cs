using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.S3;

/// <summary>Reads keys from an AWS shared credentials file: sections in brackets, <c>name = value</c>, comments after # or ;.</summary>
internal static class AwsCredentialsFile
{
    /// <summary>Longest file that is read.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>
    /// The keys of <paramref name="profile"/>. A file, section or key that is missing is
    /// <see cref="ErrorCode.ConfigurationInvalid"/>, with words about what to do.
    /// </summary>
    public static S3Credentials Read(string path, string profile)
    {
        string text;
        try
        {
            var file = new FileInfo(path);
            if (file.Length > MaxBytes)
            {
                throw Invalid($"the credentials file '{path}' has more than {MaxBytes} bytes.");
            }

            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Invalid(
                $"there are none: neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set, nor is there a credentials file '{path}'.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Invalid($"the credentials file '{path}' cannot be read: {e.Message}", e);
        }

        return Parse(text, path, profile);
    }

    private static S3Credentials Parse(string text, string path, string profile)
    {
        var values = Section(text, profile) ?? throw Invalid($"'{path}' has no section [{profile}].");
        var access = values.GetValueOrDefault("aws_access_key_id");
        var secret = values.GetValueOrDefault("aws_secret_access_key");
        if (access is not null && secret is not null)
        {
            return new S3Credentials(access, secret, values.GetValueOrDefault("aws_session_token"));
        }

        var other = values.Keys.FirstOrDefault(
            name => name is "role_arn" or "credential_process" or "sso_session" or "sso_start_url" or "web_identity_token_file");
        throw Invalid(
            $"section [{profile}] of '{path}' has no {(access is null ? "aws_access_key_id" : "aws_secret_access_key")}."
            + (other is null ? "" : $" ({other} is not supported: have a sidecar write temporary keys into the file.)"));
    }

    private static Dictionary<string, string>? Section(string text, string profile)
    {
        Dictionary<string, string>? found = null;
        var inside = false;
        foreach (var range in text.AsSpan().Split('\n'))
        {
            var line = text.AsSpan(range).Trim();
            if (line.IsEmpty || line[0] is '#' or ';')
            {
                continue;
            }

            if (line[0] == '[' && line.IndexOf(']') is > 0 and var close)
            {
                var name = line[1..close].Trim();
                inside = name.SequenceEqual(profile)
                    || (name.StartsWith("profile ") && name["profile ".Length..].Trim().SequenceEqual(profile));
                found ??= inside ? new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase) : null;
            }
            else if (inside && line.IndexOf('=') is > 0 and var equals && !line[(equals + 1)..].Trim().IsEmpty)
            {
                found![line[..equals].Trim().ToString()] = line[(equals + 1)..].Trim().ToString();
            }
        }

        return found;
    }

    private static CheckpointerException Invalid(string what, Exception? inner = null) =>
        new(ErrorCode.ConfigurationInvalid, $"S3 credentials cannot be used: {what}", inner: inner);
}
