using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage;

/// <summary>
/// A flat name space of immutable-by-convention objects: all that checkpoints need of storage. Its comments are the
/// contract; one conformance suite holds every implementation to it.
/// <list type="bullet">
/// <item>An object is seen whole or not at all, also after a crash of this process or the machine at any instant.</item>
/// <item>When a put returns, the object is durable: it survives the loss of power.</item>
/// <item>Read-after-write holds for get, head and list.</item>
/// <item>All members may be called concurrently, also for one key, also from several processes.</item>
/// <item>Buffers belong to the caller and are not touched after the returned task ends.</item>
/// <item>Failures are <see cref="CheckpointerException"/> with a code of the Storage family (or
/// <see cref="ErrorCode.NotFound"/>) and an honest <see cref="CheckpointerException.IsTransient"/>;
/// implementations never retry by themselves: one decorator does.</item>
/// </list>
/// </summary>
public interface IObjectStore
{
    /// <summary>What this store is and where, for logs and messages; never holds a secret.</summary>
    string Description { get; }

    /// <summary>
    /// Creates or replaces the object. Safe to repeat: an equal repeat changes nothing anyone can see.
    /// Two concurrent puts leave one of the two, whole.
    /// </summary>
    Task PutAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken);

    /// <summary>
    /// Creates the object if no object has that key; otherwise changes nothing. Atomic between processes: of any
    /// number of concurrent callers exactly one sees <see cref="PutOutcome.Created"/>. After a failure, including a
    /// transient one, the object may or may not exist: the caller finds out by calling again and comparing.
    /// </summary>
    Task<PutOutcome> PutIfAbsentAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken);

    /// <summary>
    /// Fills <paramref name="destination"/> from byte <paramref name="offset"/> of the object.
    /// A missing object is <see cref="ErrorCode.NotFound"/>; an object that ends before the destination is full is
    /// <see cref="ErrorCode.StorageFailed"/>, not transient: nothing here ever returns fewer bytes than asked.
    /// </summary>
    Task ReadAsync(ObjectKey key, long offset, Memory<byte> destination, CancellationToken cancellationToken);

    /// <summary>The object's facts, or null if no object has that key.</summary>
    Task<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken);

    /// <summary>
    /// Every object whose key starts with <paramref name="prefix"/> (empty: all), in ordinal order of keys.
    /// Objects created or deleted meanwhile may or may not be seen; unfinished writes never are.
    /// </summary>
    IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>Deletes the object; no error if there is none. When it returns, the deletion is durable.</summary>
    Task DeleteAsync(ObjectKey key, CancellationToken cancellationToken);
}
