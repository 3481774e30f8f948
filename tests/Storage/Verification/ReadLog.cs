using System.Collections.Concurrent;

namespace Checkpointer.Storage.Tests.Verification;

/// <summary>A store that notes every read, and lets a test change what is read.</summary>
internal sealed class ReadLog(IObjectStore inner) : IObjectStore
{
    public ConcurrentQueue<(string Key, long Offset, int Length)> Reads { get; } = [];

    /// <summary>Called with each read once it is filled; may change the bytes or throw.</summary>
    public Action<string, long, Memory<byte>>? OnRead { get; set; }

    public string Description => inner.Description;

    public async Task ReadAsync(ObjectKey key, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        Reads.Enqueue((key.Value, offset, destination.Length));
        await inner.ReadAsync(key, offset, destination, cancellationToken);
        OnRead?.Invoke(key.Value, offset, destination);
    }

    public Task PutAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken) =>
        inner.PutAsync(key, content, cancellationToken);

    public Task<PutOutcome> PutIfAbsentAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken) =>
        inner.PutIfAbsentAsync(key, content, cancellationToken);

    public Task<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken) =>
        inner.HeadAsync(key, cancellationToken);

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken) =>
        inner.ListAsync(prefix, cancellationToken);

    public Task DeleteAsync(ObjectKey key, CancellationToken cancellationToken) => inner.DeleteAsync(key, cancellationToken);
}
