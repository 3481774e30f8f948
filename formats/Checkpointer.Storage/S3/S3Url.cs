using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.S3;

/// <summary>
/// <c>s3://bucket[/prefix][?option=value&amp;…]</c>, taken apart by hand: the messages never repeat what was given,
/// for it may hold a key by mistake.
/// </summary>
internal sealed record S3Url(string Bucket, string Prefix, IReadOnlyDictionary<string, string> Options)
{
    /// <summary>Longest prefix, its slash included: S3 permits keys of 1,024 bytes and ours may have 900.</summary>
    public const int MaxPrefixLength = 1024 - ObjectKey.MaxLength;

    private const string Scheme = "s3://";

    private static readonly string[] KnownOptions =
        ["endpoint", "region", "addressing", "ca_file", "credentials_file", "profile", "checksum"];

    /// <summary>Splits and checks <paramref name="url"/>.</summary>
    public static S3Url Parse(string url)
    {
        var rest = url[Scheme.Length..];
        if (rest.Contains('#', StringComparison.Ordinal))
        {
            throw Invalid("has a fragment ('#'), which means nothing here.");
        }

        var question = rest.IndexOf('?', StringComparison.Ordinal);
        var place = question < 0 ? rest : rest[..question];
        if (place.Contains('@', StringComparison.Ordinal))
        {
            throw HoldsKeys();
        }

        var slash = place.IndexOf('/', StringComparison.Ordinal);
        var bucket = slash < 0 ? place : place[..slash];
        var prefix = slash < 0 ? "" : place[(slash + 1)..].TrimEnd('/');
        CheckBucket(bucket);
        CheckPrefix(prefix);
        return new S3Url(
            bucket, prefix.Length == 0 ? "" : prefix + "/", ParseOptions(question < 0 ? "" : rest[(question + 1)..]));
    }

    private static CheckpointerException Invalid(string what) => new(
        ErrorCode.ConfigurationInvalid,
        $"The store URL {what} It must be s3://bucket[/prefix][?option=value&…] with the options {string.Join(", ", KnownOptions)}.");

    private static CheckpointerException HoldsKeys() => new(
        ErrorCode.ConfigurationInvalid,
        "The store URL holds what looks like access keys. URLs end up in logs and process lists: take the keys out (and "
        + "replace them, if others could see them) and give them in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, in a "
        + "credentials file (credentials_file=PATH), or in the configuration file.");

    private static void CheckBucket(string bucket)
    {
        // Ceph and old AWS buckets are laxer than AWS is today; what no server permits would only end in odd errors.
        if (bucket.Length is < 3 or > 63
            || !bucket.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_')
            || !char.IsAsciiLetterOrDigit(bucket[0])
            || bucket.Contains("..", StringComparison.Ordinal))
        {
            throw Invalid("names no valid bucket (3 to 63 letters, digits, '-' and '.').");
        }
    }

    private static void CheckPrefix(string prefix)
    {
        if (prefix.Length > 0 && (!ObjectKey.IsValid(prefix) || prefix.Length >= MaxPrefixLength))
        {
            throw Invalid(
                $"has a prefix that is no sequence of names of letters, digits, '.', '_' and '-' joined by '/', shorter than {MaxPrefixLength} characters in all.");
        }
    }

    private static Dictionary<string, string> ParseOptions(string query)
    {
        var options = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? part : part[..equals];
            var value = equals < 0 ? "" : Uri.UnescapeDataString(part[(equals + 1)..]);
            if (!KnownOptions.Contains(name, StringComparer.Ordinal))
            {
                throw LooksLikeKey(name) ? HoldsKeys() : Invalid("has an option that is not known.");
            }

            if (value.Length == 0)
            {
                throw Invalid($"gives no value for '{name}'.");
            }

            if (!options.TryAdd(name, value))
            {
                throw Invalid($"gives '{name}' twice.");
            }
        }

        return options;
    }

    private static bool LooksLikeKey(string name) =>
        name.Contains("key", StringComparison.OrdinalIgnoreCase)
        || name.Contains("secret", StringComparison.OrdinalIgnoreCase)
        || name.Contains("token", StringComparison.OrdinalIgnoreCase)
        || name.Contains("password", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("x-amz", StringComparison.OrdinalIgnoreCase);
}
