using Checkpointer.Storage.Resilience;
using Checkpointer.Storage.S3;

namespace Checkpointer.Cli.Configuration;

/// <summary>The section <c>store</c> of a configuration file.</summary>
internal sealed record StoreSection
{
    /// <summary>The object store, as <c>--store</c> takes it.</summary>
    public string? Url { get; init; }

    /// <summary>How to reach S3. Also for a store that the command line or the environment names.</summary>
    public S3Options S3 { get; init; } = new();

    /// <summary>How to bear a slow or failing store.</summary>
    public ResilienceOptions Resilience { get; init; } = new();
}
