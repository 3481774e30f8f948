using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Cli.Configuration;

/// <summary>
/// What a configuration file says; README.md beside this file describes it for users. Whatever is wrong in one is
/// <see cref="ErrorCode.ConfigurationInvalid"/>, naming file and key and never repeating a value: it may be a secret.
/// </summary>
internal sealed record ConfigurationFile
{
    /// <summary>Longest file that is read, in bytes.</summary>
    public const int MaxBytes = 1 << 20;

    // By reflection, not generated: generated code would give settings that a file leaves out a zero, not their default.
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        Converters =
        {
            new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false),
            new DurationConverter(),
        },
    };

    /// <summary>What a machine without a file has.</summary>
    public static ConfigurationFile Empty { get; } = new();

    /// <summary>Where the service is.</summary>
    public ServiceSection Service { get; init; } = new();

    /// <summary>Where checkpoints are stored.</summary>
    public StoreSection Store { get; init; } = new();

    /// <summary>Whether it holds a secret that nobody but its owner should read.</summary>
    public bool HasSecrets => Store.S3.SecretKey is not null || Store.S3.SessionToken is not null;

    /// <summary>Reads <paramref name="path"/>; an empty file says nothing.</summary>
    public static ConfigurationFile Load(string path)
    {
        var text = Read(path);
        if (text.Length == 0)
        {
            return Empty;
        }

        try
        {
            return JsonSerializer.Deserialize<ConfigurationFile>(text, Json) ?? Empty;
        }
        catch (JsonException e)
        {
            throw Invalid(path, Explain(e), e);
        }
    }

    private static byte[] Read(string path)
    {
        try
        {
            if (Directory.Exists(path))
            {
                throw Invalid(path, "it is a folder");
            }

            using var file = new FileStream(path, FileMode.Open, FileAccess.Read);
            using var text = new MemoryStream();
            file.CopyTo(text);
            return text.Length <= MaxBytes
                ? text.ToArray()
                : throw Invalid(path, string.Create(CultureInfo.InvariantCulture, $"it has {text.Length} bytes, more than {MaxBytes}"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Invalid(path, e is FileNotFoundException or DirectoryNotFoundException ? "it does not exist" : "it cannot be read", e);
        }
    }

    private static string Explain(JsonException error)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"line {error.LineNumber + 1}");
        var key = error.Path?.TrimStart('$').TrimStart('.');
        return string.IsNullOrEmpty(key)
            ? $"{line} is no valid JSON, or its outermost value is no object"
            : error.Message.StartsWith(DurationConverter.Refused, StringComparison.Ordinal)
                ? $"{line}: the value of '{key}' {DurationConverter.Refused}"
            : error.Message.Contains("could not be mapped", StringComparison.Ordinal)
                ? $"{line}: there is no setting '{key}'"
            : error.Message.Contains("could not be converted", StringComparison.Ordinal)
                || error.Message.Contains("null", StringComparison.Ordinal)
                ? $"{line}: the value of '{key}' is of the wrong kind"
            : $"{line}: after '{key}' it is no valid JSON, or the key is there twice";
    }

    // The JSON error itself is left out of the message: it names types of this program, and may quote the file.
    private static CheckpointerException Invalid(string path, string why, Exception? inner = null) =>
        new(ErrorCode.ConfigurationInvalid, $"Configuration file '{path}': {why}.", inner: inner);
}
