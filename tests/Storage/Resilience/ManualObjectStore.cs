using System.Threading.Channels;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.Tests.Resilience;

/// <summary>A store whose every call waits until the test says how it ends.</summary>
internal sealed class ManualObjectStore : IObjectStore
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Channel<ManualCall> _calls = Channel.CreateUnbounded<ManualCall>();

    public string Description => "a store by hand";

    /// <summary>Calls begun that the test has not asked for yet.</summary>
    public int Untaken => _calls.Reader.Count;

    /// <summary>The next call that was begun.</summary>
    public async Task<ManualCall> NextAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        return await _calls.Reader.ReadAsync(patience.Token);
    }

    public Task PutAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken) =>
        Begin("put", key.Value, default, cancellationToken);

    public async Task<PutOutcome> PutIfAbsentAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken)
    {
        await Begin("put_if_absent", key.Value, default, cancellationToken);
        return PutOutcome.Created;
    }

    public Task ReadAsync(ObjectKey key, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        Begin("read", key.Value, destination, cancellationToken);

    public async Task<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        await Begin("head", key.Value, default, cancellationToken);
        return new ObjectInfo(key, 7, default);
    }

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Listings are tested over a real store.");

    public Task DeleteAsync(ObjectKey key, CancellationToken cancellationToken) =>
        Begin("delete", key.Value, default, cancellationToken);

    public static CheckpointerException Passing(string message = "it stumbled") =>
        new(ErrorCode.StorageUnavailable, message, isTransient: true);

    public static CheckpointerException SlowDown(TimeSpan? retryAfter = null) =>
        new(ErrorCode.StorageThrottled, "slow down", isTransient: true) { RetryAfter = retryAfter };

    private Task Begin(string operation, string key, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var call = new ManualCall(operation, key, destination, cancellationToken);
        _ = _calls.Writer.TryWrite(call);
        return call.Task;
    }
}

/// <summary>A call under way. Told to end by cancellation, it says so, and ends when the test lets it.</summary>
internal sealed class ManualCall(string operation, string key, Memory<byte> destination, CancellationToken cancellationToken)
{
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Operation => operation;

    public string Key => key;

    public Memory<byte> Destination => destination;

    public Task Task => _end.Task;

    public bool IsCancelled => cancellationToken.IsCancellationRequested;

    public void Succeed(byte fill = 0)
    {
        destination.Span.Fill(fill);
        _end.SetResult();
    }

    public void Fail(Exception failure) => _end.SetException(failure);

    /// <summary>Ends as cancelled once it is.</summary>
    public async Task EndCancelledAsync()
    {
        await CancelledAsync();
        _end.SetCanceled(cancellationToken);
    }

    /// <summary>Waits until it is told to end.</summary>
    public async Task CancelledAsync()
    {
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancellationToken.Register(told.SetResult);
        await told.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }
}
