namespace Checkpointer.Storage.S3;

/// <summary>Where the bucket's name goes in a request.</summary>
public enum S3Addressing
{
    /// <summary>As a host of <c>amazonaws.com</c>, in the path everywhere else.</summary>
    Auto,

    /// <summary><c>https://endpoint/bucket/key</c>: what Ceph and MinIO take without further set-up.</summary>
    Path,

    /// <summary><c>https://bucket.endpoint/key</c>: needs names and certificates for every bucket.</summary>
    Host,
}
