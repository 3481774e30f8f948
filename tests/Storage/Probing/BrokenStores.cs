using System.Runtime.CompilerServices;
using Checkpointer.Formats.Errors;
using Checkpointer.TestKit.Stores;

namespace Checkpointer.Storage.Tests.Probing;

/// <summary>Does not know the condition: a put-if-absent is a put.</summary>
internal sealed class UnconditionalStore(TimeProvider time) : MemoryObjectStore(time)
{
    public override async Task<PutOutcome> PutIfAbsentAsync(
        ObjectKey key, ObjectContent content, CancellationToken cancellationToken)
    {
        await PutAsync(key, content, cancellationToken);
        return PutOutcome.Created;
    }
}

/// <summary>Answers as if every put-if-absent had created the object, but keeps the first.</summary>
internal sealed class FlatteringStore(TimeProvider time) : MemoryObjectStore(time)
{
    public override async Task<PutOutcome> PutIfAbsentAsync(
        ObjectKey key, ObjectContent content, CancellationToken cancellationToken)
    {
        _ = await base.PutIfAbsentAsync(key, content, cancellationToken);
        return PutOutcome.Created;
    }
}

/// <summary>Looks first and puts then: right for one caller at a time.</summary>
internal sealed class RacyStore(TimeProvider time) : MemoryObjectStore(time)
{
    public override async Task<PutOutcome> PutIfAbsentAsync(
        ObjectKey key, ObjectContent content, CancellationToken cancellationToken)
    {
        var isThere = await HeadAsync(key, cancellationToken) is not null;
        await Task.Yield();
        await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, cancellationToken);
        if (isThere)
        {
            return PutOutcome.AlreadyExists;
        }

        await PutAsync(key, content, cancellationToken);
        return PutOutcome.Created;
    }
}

/// <summary>Refuses the condition outright.</summary>
internal sealed class RefusingStore(TimeProvider time) : MemoryObjectStore(time)
{
    public override Task<PutOutcome> PutIfAbsentAsync(
        ObjectKey key, ObjectContent content, CancellationToken cancellationToken) =>
        throw new CheckpointerException(ErrorCode.StorageFailed, "501 NotImplemented: a header you sent is not implemented.");
}

/// <summary>Creates, loses the answer, and is tried again by a decorator: all is well, but nobody is told "created".</summary>
internal sealed class ForgetfulStore(TimeProvider time) : MemoryObjectStore(time)
{
    public override async Task<PutOutcome> PutIfAbsentAsync(
        ObjectKey key, ObjectContent content, CancellationToken cancellationToken)
    {
        _ = await base.PutIfAbsentAsync(key, content, cancellationToken);
        return PutOutcome.AlreadyExists;
    }
}

/// <summary>Acknowledges puts and keeps nothing.</summary>
internal sealed class LosingStore(TimeProvider time) : MemoryObjectStore(time)
{
    public override Task PutAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken) =>
        Task.CompletedTask;
}

/// <summary>Reads what lay there before.</summary>
internal sealed class CachingStore(TimeProvider time) : MemoryObjectStore(time)
{
    private readonly Dictionary<ObjectKey, ObjectContent> _first = [];

    public override Task PutAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken)
    {
        _ = _first.TryAdd(key, content);
        return base.PutAsync(key, _first[key], cancellationToken);
    }
}

/// <summary>Gives the first bytes of an object, whichever were asked for.</summary>
internal sealed class RangelessStore(TimeProvider time) : MemoryObjectStore(time)
{
    public override Task ReadAsync(
        ObjectKey key, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        base.ReadAsync(key, 0, destination, cancellationToken);
}

/// <summary>Lists only what was there at the listing before.</summary>
internal sealed class LaggingStore(TimeProvider time) : MemoryObjectStore(time)
{
    private HashSet<string> _known = [];

    public override async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var known = _known;
        _known = [.. Keys];
        await foreach (var info in base.ListAsync(prefix, cancellationToken))
        {
            if (known.Contains(info.Key.Value))
            {
                yield return info;
            }
        }
    }
}

/// <summary>Answers deletes and deletes nothing.</summary>
internal sealed class KeepingStore(TimeProvider time) : MemoryObjectStore(time)
{
    public override Task DeleteAsync(ObjectKey key, CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>A clock that is off.</summary>
internal sealed class SkewedTime(TimeProvider inner, TimeSpan off) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => inner.GetUtcNow() + off;
}

/// <summary>Gives one bit of every <paramref name="each"/>th read the other way round.</summary>
internal sealed class FlippingStore(TimeProvider time, int each) : MemoryObjectStore(time)
{
    private int _reads;

    public override async Task ReadAsync(ObjectKey key, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        await base.ReadAsync(key, offset, destination, cancellationToken);
        if (Interlocked.Increment(ref _reads) % each == 0)
        {
            destination.Span[destination.Length / 2] ^= 1;
        }
    }
}
