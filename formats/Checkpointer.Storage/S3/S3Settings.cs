using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.S3;

/// <summary>What a store URL, options and environment say together, checked; holds no key itself.</summary>
internal sealed record S3Settings
{
    public const string DefaultRegion = "us-east-1";

    private const string AmazonDomain = "amazonaws.com";

    public required string Bucket { get; init; }

    /// <summary>Empty or ending in '/'.</summary>
    public required string Prefix { get; init; }

    /// <summary>Scheme, host and port only.</summary>
    public required Uri Endpoint { get; init; }

    public required string Region { get; init; }

    /// <summary>Whether the bucket goes into the host's name rather than the path.</summary>
    public required bool HostStyle { get; init; }

    public required string? CaFile { get; init; }

    public required S3Checksum Checksum { get; init; }

    public required TimeSpan ConnectTimeout { get; init; }

    public required TimeSpan IdleTimeout { get; init; }

    public required int MaxConnections { get; init; }

    public required S3CredentialSettings Credentials { get; init; }

    /// <summary>
    /// Puts the sources together: for each setting URL, then options, then environment, then default.
    /// <paramref name="environment"/> gives a variable's value or null.
    /// </summary>
    public static S3Settings Resolve(StoreOptions store, Func<string, string?> environment)
    {
        var url = S3Url.Parse(store.Url);
        var options = store.S3;
        var region = Setting("region", options.Region, "AWS_REGION", "AWS_DEFAULT_REGION") ?? DefaultRegion;
        var endpoint = Setting("endpoint", options.Endpoint?.OriginalString, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
        CheckRegion(region);
        var address = endpoint is null ? new Uri($"https://s3.{region}.{AmazonDomain}") : ParseEndpoint(endpoint);
        Require(
            options.ConnectTimeout >= TimeSpan.FromSeconds(1) && options.ConnectTimeout <= TimeSpan.FromMinutes(5),
            "the S3 connect timeout must be 1 s to 5 min.");
        Require(
            options.IdleTimeout >= TimeSpan.FromSeconds(1) && options.IdleTimeout <= TimeSpan.FromHours(1),
            "the S3 idle timeout must be 1 s to 1 h.");
        Require(options.MaxConnections is >= 1 and <= 1024, "the number of S3 connections must be 1 to 1024.");
        return new S3Settings
        {
            Bucket = url.Bucket,
            Prefix = url.Prefix,
            Endpoint = address,
            Region = region,
            HostStyle = IsHostStyle(Choice("addressing", options.Addressing), url.Bucket, address),
            CaFile = Setting("ca_file", options.CaFile, "AWS_CA_BUNDLE"),
            Checksum = Choice("checksum", options.Checksum),
            ConnectTimeout = options.ConnectTimeout,
            IdleTimeout = options.IdleTimeout,
            MaxConnections = options.MaxConnections,
            Credentials = S3CredentialSettings.Resolve(url.Options, options, environment),
        };

        string? Setting(string name, string? option, params ReadOnlySpan<string> variables)
        {
            if (url.Options.TryGetValue(name, out var value) || !string.IsNullOrEmpty(value = option))
            {
                return value;
            }

            foreach (var variable in variables)
            {
                if (!string.IsNullOrEmpty(value = environment(variable)))
                {
                    return value;
                }
            }

            return null;
        }

        T Choice<T>(string name, T option)
            where T : struct, Enum
        {
            if (!url.Options.TryGetValue(name, out var value))
            {
                return option;
            }

            Require(
                Enum.TryParse<T>(value, ignoreCase: true, out var choice) && Enum.IsDefined(choice) && char.IsLetter(value[0]),
                $"'{name}' must be one of {string.Join(", ", Enum.GetNames<T>()).ToLowerInvariant()}.");
            return choice;
        }
    }

    private static bool IsHostStyle(S3Addressing addressing, string bucket, Uri endpoint)
    {
        var amazon = endpoint.Host.EndsWith("." + AmazonDomain, StringComparison.OrdinalIgnoreCase);

        // A certificate for *.endpoint covers one more name part, so a bucket with dots has to go in the path.
        var host = addressing == S3Addressing.Host
            || (addressing == S3Addressing.Auto && amazon && !bucket.Contains('.', StringComparison.Ordinal));
        Require(
            !host || endpoint.HostNameType == UriHostNameType.Dns,
            "host-style addressing needs an endpoint with a name, not an IP address; use addressing=path.");
        Require(
            !host || !bucket.Contains('_', StringComparison.Ordinal),
            "a bucket with '_' in its name cannot be part of a host's name; use addressing=path.");
        return host;
    }

    private static Uri ParseEndpoint(string value)
    {
        Require(
            Uri.TryCreate(value, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.Host.Length > 0,
            "the S3 endpoint must be http://host[:port] or https://host[:port].");
        Require(
            (uri!.Scheme, uri.Port) is not (("http", 443) or ("https", 80)),
            "the S3 endpoint has the other scheme's port (http uses 80, https 443).");
        Require(uri.UserInfo.Length == 0, "the S3 endpoint must hold no user or password.");
        Require(
            uri.AbsolutePath == "/" && uri.Query.Length == 0 && uri.Fragment.Length == 0,
            "the S3 endpoint must have no path and no query; a prefix of keys goes after the bucket, s3://bucket/prefix.");
        return new Uri(uri.GetLeftPart(UriPartial.Authority));
    }

    private static void CheckRegion(string region) => Require(
        region.Length <= 64 && region.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'),
        "the S3 region must be letters, digits and '-', such as us-east-1.");

    private static void Require([System.Diagnostics.CodeAnalysis.DoesNotReturnIf(false)] bool holds, string rule)
    {
        if (!holds)
        {
            throw new CheckpointerException(ErrorCode.ConfigurationInvalid, $"The store's settings are wrong: {rule}");
        }
    }
}
