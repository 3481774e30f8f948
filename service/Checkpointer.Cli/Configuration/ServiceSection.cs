namespace Checkpointer.Cli.Configuration;

/// <summary>The section <c>service</c> of a configuration file.</summary>
internal sealed record ServiceSection
{
    /// <summary>Where the service is, such as <c>http://127.0.0.1:7070</c>.</summary>
    public Uri? Address { get; init; }

    /// <summary>Where the service sends incidents; only the service itself looks at it.</summary>
    public WebhookSection Webhook { get; init; } = new();
}
