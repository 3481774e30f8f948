namespace Checkpointer.Storage.S3;

/// <summary>
/// For which puts the server is sent an MD5 to check the body against (<c>Content-MD5</c>), beside what checks them
/// anyway: TLS covers the wire, and every chunk carries a hash that is verified whenever it is read. A put whose MD5
/// does not fit is refused by the server before anything is stored, and repeated.
/// </summary>
public enum S3Checksum
{
    /// <summary>Objects of at most 1 MiB: manifests, indices, layouts, whose damage would cost most and whose MD5 nothing.</summary>
    Auto,

    /// <summary>
    /// Every object. MD5 runs at about 0.75 GB/s of one core, so this costs some 1.3 s of processor time a gigabyte
    /// put. Worth it where requests pass proxies or a network without TLS that are known to change bytes.
    /// </summary>
    Md5,
}
