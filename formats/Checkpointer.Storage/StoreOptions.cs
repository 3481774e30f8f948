using Checkpointer.Storage.Resilience;
using Checkpointer.Storage.S3;

namespace Checkpointer.Storage;

/// <summary>Which object store a process uses: what <see cref="ObjectStores.Open(StoreOptions, TimeProvider)"/> opens.</summary>
public sealed record StoreOptions
{
    /// <summary>
    /// A plain path, <c>file:///path</c>, or <c>s3://bucket[/prefix][?option=value&amp;…]</c> with the options of
    /// <see cref="S3Options"/> in snake_case (<c>endpoint</c>, <c>region</c>, <c>addressing</c>, <c>ca_file</c>,
    /// <c>credentials_file</c>, <c>profile</c>, <c>checksum</c>). Never holds a key: one that does is refused.
    /// </summary>
    public required string Url { get; init; }

    /// <summary>
    /// Whether a folder that is not there is made when the store is opened. Without, calls fail until it is
    /// there: an agent must not store into a folder where a mount is missing.
    /// </summary>
    public bool CreateFolder { get; init; } = true;

    /// <summary>What a configuration file says of S3; the URL's own options win over it, it wins over AWS_* variables.</summary>
    public S3Options S3 { get; init; } = new();

    /// <summary>How a store that is slow, busy or away is borne; the defaults rarely want changing.</summary>
    public ResilienceOptions Resilience { get; init; } = new();
}
