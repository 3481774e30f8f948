using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage;

/// <summary>What callers of a store do again and again with small objects.</summary>
public static class ObjectStoreExtensions
{
    /// <summary>
    /// Reads a whole object into new memory. A missing one is <see cref="ErrorCode.NotFound"/>; one longer than
    /// <paramref name="maxBytes"/> is <see cref="ErrorCode.LimitExceeded"/>, before anything is allocated for it.
    /// </summary>
    public static async Task<byte[]> ReadAllAsync(
        this IObjectStore store, ObjectKey key, int maxBytes, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        var info = await store.HeadAsync(key, cancellationToken).ConfigureAwait(false)
            ?? throw new CheckpointerException(ErrorCode.NotFound, $"No object '{key}'.");
        if (info.SizeBytes > maxBytes)
        {
            throw new CheckpointerException(
                ErrorCode.LimitExceeded, $"'{key}' has {info.SizeBytes} bytes; at most {maxBytes} are read at once.");
        }

        var bytes = new byte[info.SizeBytes];
        await store.ReadAsync(key, 0, bytes, cancellationToken).ConfigureAwait(false);
        return bytes;
    }

    /// <summary>
    /// Creates an object that whoever repeats the call would create with the same bytes: if it exists already, its
    /// bytes are compared. Equal ones are success (an earlier call, perhaps one whose answer was lost, created it);
    /// ones that are different twice are <see cref="ErrorCode.CheckpointConflict"/>: a bit that went wrong on the way of
    /// one read is none. The object must fit in memory twice.
    /// </summary>
    /// <returns>Whether this call created it.</returns>
    public static async Task<PutOutcome> PutIfAbsentOrVerifyAsync(
        this IObjectStore store, ObjectKey key, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        var outcome = await store.PutIfAbsentAsync(key, new ObjectContent(bytes), cancellationToken).ConfigureAwait(false);
        if (outcome == PutOutcome.AlreadyExists)
        {
            var info = await store.HeadAsync(key, cancellationToken).ConfigureAwait(false)
                ?? throw new CheckpointerException(
                    ErrorCode.CheckpointConflict, $"'{key}' existed and was deleted while it was being created.");
            if (info.SizeBytes != bytes.Length
                || !(await HoldsAsync(store, key, bytes, cancellationToken).ConfigureAwait(false)
                    || await HoldsAsync(store, key, bytes, cancellationToken).ConfigureAwait(false)))
            {
                throw new CheckpointerException(
                    ErrorCode.CheckpointConflict,
                    $"'{key}' exists already with other contents ({info.SizeBytes} bytes, these are {bytes.Length}).");
            }
        }

        return outcome;
    }

    /// <summary>Whether one read of an object of that length gives these bytes.</summary>
    private static async Task<bool> HoldsAsync(
        IObjectStore store, ObjectKey key, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var there = new byte[bytes.Length];
        await store.ReadAsync(key, 0, there, cancellationToken).ConfigureAwait(false);
        return there.AsSpan().SequenceEqual(bytes.Span);
    }
}
