using Checkpointer.Formats.Errors;

namespace Checkpointer.Service.Hosting;

/// <summary>Where incidents are sent, and the secret that signs them.</summary>
public sealed record WebhookOptions
{
    /// <summary>Longest secret, in bytes.</summary>
    public const int MaxSecretBytes = 4096;

    /// <summary>Shortest secret, in bytes.</summary>
    public const int MinSecretBytes = 16;

    /// <summary>The receiver. Secrets do not belong into it: addresses are logged.</summary>
    public required Uri Url { get; init; }

    /// <summary>
    /// A file with the secret, 16 to 4,096 bytes without white space at its end. Read at each delivery, so that it may be
    /// replaced while the service runs.
    /// </summary>
    public required string SecretFile { get; init; }

    /// <summary>The first pause after a try in vain; doubled each time, up to 120 times this. 1 ms to 1 minute.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Throws <c>configuration_invalid</c> if a value makes no sense or the secret cannot be read.</summary>
    internal void Validate()
    {
        if (Url is not { IsAbsoluteUri: true, Scheme: "http" or "https", UserInfo: "" })
        {
            throw Invalid("Url must be an http address without a user or password");
        }

        if (RetryDelay < TimeSpan.FromMilliseconds(1) || RetryDelay > TimeSpan.FromMinutes(1))
        {
            throw Invalid("RetryDelay must be 1 millisecond to 1 minute");
        }

        _ = ReadSecret();
    }

    /// <summary>The secret; <c>configuration_invalid</c>, naming the file and never its content.</summary>
    internal byte[] ReadSecret()
    {
        byte[] secret;
        try
        {
            using var file = new FileStream(SecretFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            var buffer = new byte[MaxSecretBytes + 2];
            secret = buffer[..file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw Invalid($"SecretFile '{SecretFile}' cannot be read");
        }

        var length = secret.AsSpan().TrimEnd(" \r\n\t"u8).Length;
        return length is >= MinSecretBytes and <= MaxSecretBytes
            ? secret[..length]
            : throw Invalid($"SecretFile '{SecretFile}' must hold {MinSecretBytes} to {MaxSecretBytes} bytes");
    }

    private static CheckpointerException Invalid(string what) =>
        new(ErrorCode.ConfigurationInvalid, $"The service's webhook: {what}.");
}
