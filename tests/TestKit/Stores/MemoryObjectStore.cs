using System.Runtime.CompilerServices;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage;

namespace Checkpointer.TestKit.Stores;

/// <summary>
/// A store in memory whose clock is <paramref name="timeProvider"/>. Keeps the contract; a test derives from it what
/// breaks one promise of it.
/// </summary>
public class MemoryObjectStore(TimeProvider timeProvider) : IObjectStore
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, (byte[] Bytes, DateTimeOffset At)> _objects = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public virtual string Description => "memory";

    /// <summary>All keys, in order.</summary>
    public IReadOnlyList<string> Keys
    {
        get
        {
            lock (_gate)
            {
                return [.. _objects.Keys];
            }
        }
    }

    /// <inheritdoc/>
    public virtual Task PutAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            _objects[key.Value] = (Join(content), timeProvider.GetUtcNow());
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public virtual Task<PutOutcome> PutIfAbsentAsync(
        ObjectKey key, ObjectContent content, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            return Task.FromResult(
                _objects.TryAdd(key.Value, (Join(content), timeProvider.GetUtcNow()))
                    ? PutOutcome.Created
                    : PutOutcome.AlreadyExists);
        }
    }

    /// <inheritdoc/>
    public virtual Task ReadAsync(ObjectKey key, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        lock (_gate)
        {
            if (!_objects.TryGetValue(key.Value, out var found))
            {
                throw new CheckpointerException(ErrorCode.NotFound, $"No object '{key}'.");
            }

            if (offset + destination.Length > found.Bytes.Length)
            {
                throw new CheckpointerException(ErrorCode.StorageFailed, $"'{key}' ends before byte {offset + destination.Length}.");
            }

            found.Bytes.AsMemory((int)offset, destination.Length).CopyTo(destination);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public virtual Task<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            return Task.FromResult<ObjectInfo?>(
                _objects.TryGetValue(key.Value, out var found) ? new ObjectInfo(key, found.Bytes.Length, found.At) : null);
        }
    }

    /// <inheritdoc/>
    public virtual async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        List<ObjectInfo> found;
        lock (_gate)
        {
            found =
            [
                .. _objects.Where(item => item.Key.StartsWith(prefix, StringComparison.Ordinal))
                    .Select(item => new ObjectInfo(new ObjectKey(item.Key), item.Value.Bytes.Length, item.Value.At)),
            ];
        }

        foreach (var info in found)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return info;
        }
    }

    /// <inheritdoc/>
    public virtual Task DeleteAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            _ = _objects.Remove(key.Value);
        }

        return Task.CompletedTask;
    }

    private static byte[] Join(ObjectContent content)
    {
        var bytes = new byte[content.LengthBytes];
        var offset = 0;
        foreach (var segment in content.Segments)
        {
            segment.CopyTo(bytes.AsMemory(offset));
            offset += segment.Length;
        }

        return bytes;
    }
}
