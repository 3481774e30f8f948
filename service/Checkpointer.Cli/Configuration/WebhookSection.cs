namespace Checkpointer.Cli.Configuration;

/// <summary>The section <c>service.webhook</c> of a configuration file.</summary>
internal sealed record WebhookSection
{
    /// <summary>Where incidents are sent.</summary>
    public Uri? Url { get; init; }

    /// <summary>The file with the secret that signs them.</summary>
    public string? SecretFile { get; init; }
}
