using System.Runtime.CompilerServices;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage;

namespace Checkpointer.TestKit.Faults;

/// <summary>
/// A store that fails as <paramref name="plan"/> says for an operation and its key (for a listing: its prefix). Make a
/// plan by <see cref="FaultPlans"/> or write one. Delays last <paramref name="delay"/> of <paramref name="timeProvider"/>.
/// </summary>
public sealed class FaultInjectingObjectStore(
    IObjectStore inner,
    Func<StoreOperation, string, StoreFault> plan,
    TimeProvider timeProvider,
    TimeSpan delay = default) : IObjectStore
{
    private int _injected;

    /// <inheritdoc/>
    public string Description => $"faulty {inner.Description}";

    /// <summary>How many calls suffered a fault so far.</summary>
    public int InjectedCount => Volatile.Read(ref _injected);

    /// <inheritdoc/>
    public async Task PutAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken)
    {
        var fault = await BeforeAsync(StoreOperation.Put, key.Value, cancellationToken).ConfigureAwait(false);
        await inner.PutAsync(key, content, cancellationToken).ConfigureAwait(false);
        After(fault, key.Value);
    }

    /// <inheritdoc/>
    public async Task<PutOutcome> PutIfAbsentAsync(
        ObjectKey key, ObjectContent content, CancellationToken cancellationToken)
    {
        var fault = await BeforeAsync(StoreOperation.PutIfAbsent, key.Value, cancellationToken).ConfigureAwait(false);
        var outcome = await inner.PutIfAbsentAsync(key, content, cancellationToken).ConfigureAwait(false);
        After(fault, key.Value);
        return outcome;
    }

    /// <inheritdoc/>
    public async Task ReadAsync(ObjectKey key, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var fault = await BeforeAsync(StoreOperation.Read, key.Value, cancellationToken).ConfigureAwait(false);
        if (fault == StoreFault.TornRead)
        {
            await inner.ReadAsync(key, offset, destination[..(destination.Length / 2)], cancellationToken)
                .ConfigureAwait(false);
            throw Passing(fault, key.Value);
        }

        await inner.ReadAsync(key, offset, destination, cancellationToken).ConfigureAwait(false);
        if (fault == StoreFault.WrongBytes && !destination.IsEmpty)
        {
            destination.Span[destination.Length / 2] ^= 0x10;
        }

        After(fault, key.Value);
    }

    /// <inheritdoc/>
    public async Task<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        var fault = await BeforeAsync(StoreOperation.Head, key.Value, cancellationToken).ConfigureAwait(false);
        var info = await inner.HeadAsync(key, cancellationToken).ConfigureAwait(false);
        After(fault, key.Value);
        return info;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var fault = await BeforeAsync(StoreOperation.List, prefix, cancellationToken).ConfigureAwait(false);
        await foreach (var info in inner.ListAsync(prefix, cancellationToken).ConfigureAwait(false))
        {
            After(fault, prefix);
            yield return info;
            fault = await BeforeAsync(StoreOperation.List, prefix, cancellationToken).ConfigureAwait(false);
        }

        After(fault, prefix);
    }

    /// <inheritdoc/>
    public async Task DeleteAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        var fault = await BeforeAsync(StoreOperation.Delete, key.Value, cancellationToken).ConfigureAwait(false);
        await inner.DeleteAsync(key, cancellationToken).ConfigureAwait(false);
        After(fault, key.Value);
    }

    private async Task<StoreFault> BeforeAsync(StoreOperation operation, string key, CancellationToken cancellationToken)
    {
        var fault = Applicable(plan(operation, key), operation);
        if (fault != StoreFault.None)
        {
            Interlocked.Increment(ref _injected);
        }

        switch (fault)
        {
            case StoreFault.FailBefore:
                throw Passing(fault, key);
            case StoreFault.StorageFull:
                throw new CheckpointerException(ErrorCode.StorageFull, $"Injected: no room for '{key}'.");
            case StoreFault.Delay:
                await Task.Delay(delay, timeProvider, cancellationToken).ConfigureAwait(false);
                break;
            case StoreFault.Hang:
                await Task.Delay(Timeout.InfiniteTimeSpan, timeProvider, cancellationToken).ConfigureAwait(false);
                break;
        }

        return fault;
    }

    private static StoreFault Applicable(StoreFault fault, StoreOperation operation) => fault switch
    {
        StoreFault.TornRead when operation != StoreOperation.Read => StoreFault.FailBefore,
        StoreFault.WrongBytes when operation != StoreOperation.Read => StoreFault.None,
        StoreFault.StorageFull when operation is not (StoreOperation.Put or StoreOperation.PutIfAbsent) => StoreFault.None,
        _ => fault,
    };

    private static void After(StoreFault fault, string key)
    {
        if (fault == StoreFault.FailAfter)
        {
            throw Passing(fault, key);
        }
    }

    private static CheckpointerException Passing(StoreFault fault, string key) =>
        new(ErrorCode.StorageUnavailable, $"Injected: {fault} at '{key}'.", isTransient: true);
}
