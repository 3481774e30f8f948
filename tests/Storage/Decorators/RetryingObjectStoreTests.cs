using Checkpointer.Formats.Errors;
using Checkpointer.Storage.Decorators;
using Checkpointer.Storage.FileSystem;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Faults;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Storage.Tests.Decorators;

public sealed class RetryingObjectStoreTests : IDisposable
{
    private static readonly ObjectKey Key = new("runs/r/object");

    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly FileSystemObjectStore _files;

    public RetryingObjectStoreTests() => _files = new FileSystemObjectStore(_folder.Path);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static ReadOnlyMemory<byte> Bytes => new byte[] { 1, 2, 3 };

    public void Dispose()
    {
        _files.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(3, false)]
    public async Task PutAsync_FailingInPassing_IsTriedExactlyMaxAttemptsTimes(int failures, bool succeeds)
    {
        var (store, faults) = Make([.. Enumerable.Repeat(StoreFault.FailBefore, failures)], maxAttempts: 3);

        var put = RunAsync(store.PutAsync(Key, new ObjectContent(Bytes), Cancel));

        if (succeeds)
        {
            await put;
        }
        else
        {
            Assert.True((await Assert.ThrowsAsync<CheckpointerException>(() => put)).IsTransient);
        }

        Assert.Equal(failures, faults.InjectedCount);
        Assert.Equal(succeeds, await _files.HeadAsync(Key, Cancel) is not null);
    }

    [Fact]
    public async Task PutAsync_FailingForGood_IsNotRepeated()
    {
        var (store, faults) = Make([StoreFault.StorageFull, StoreFault.FailBefore], maxAttempts: 5);

        var failure = await Assert.ThrowsAsync<CheckpointerException>(
            () => RunAsync(store.PutAsync(Key, new ObjectContent(Bytes), Cancel)));

        Assert.Equal(ErrorCode.StorageFull, failure.Code);
        Assert.Equal(1, faults.InjectedCount);
    }

    [Fact]
    public async Task PutIfAbsent_AnswerLost_RepeatSeesItsOwnObjectAndVerifies()
    {
        var (plain, _) = Make([StoreFault.FailAfter], maxAttempts: 3);
        var put = plain.PutIfAbsentAsync(Key, new ObjectContent(Bytes), Cancel);
        await RunAsync(put);
        Assert.Equal(PutOutcome.AlreadyExists, await put);

        var other = new ObjectKey("runs/r/other");
        var (verified, _) = Make([StoreFault.FailAfter], maxAttempts: 3);
        await RunAsync(verified.PutIfAbsentOrVerifyAsync(other, Bytes, Cancel));
        Assert.Equal(Bytes.ToArray(), await _files.ReadAllAsync(other, 10, Cancel));
    }

    [Fact]
    public async Task ListAsync_FailingInTheMiddle_GivesEachKeyOnce()
    {
        string[] keys = ["a", "b", "c", "d"];
        foreach (var key in keys)
        {
            await _files.PutAsync(new ObjectKey(key), new ObjectContent(Bytes), Cancel);
        }

        var (store, faults) = Make(
            [StoreFault.None, StoreFault.None, StoreFault.FailBefore, StoreFault.None, StoreFault.None, StoreFault.FailAfter],
            maxAttempts: 3);
        var list = store.ListAsync("", Cancel).Select(info => info.Key.Value).ToListAsync(Cancel).AsTask();
        await RunAsync(list);

        Assert.Equal(keys, await list);
        Assert.Equal(2, faults.InjectedCount);
    }

    [Fact]
    public async Task ReadAsync_Hanging_EndsWhenCancelled()
    {
        var (store, _) = Make([StoreFault.Hang], maxAttempts: 3);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var read = store.ReadAsync(Key, 0, new byte[1], cancel.Token);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(RetryOptions.MaxAttemptsLimit + 1)]
    public void Options_OutOfRange_AreRefused(int maxAttempts) => Assert.Equal(
        ErrorCode.ConfigurationInvalid,
        Assert.Throws<CheckpointerException>(() => Make([], maxAttempts)).Code);

    private (RetryingObjectStore Store, FaultInjectingObjectStore Faults) Make(StoreFault[] faults, int maxAttempts)
    {
        var faulty = new FaultInjectingObjectStore(_files, FaultPlans.Script(faults), _time);
        var options = new RetryOptions { MaxAttempts = maxAttempts };
        return (new RetryingObjectStore(faulty, options, _time, new Random(1)), faulty);
    }

    /// <summary>Lets the fake time pass until the task ends.</summary>
    private async Task RunAsync(Task task)
    {
        while (!task.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(task, Task.Delay(1, Cancel));
        }

        await task;
    }
}
