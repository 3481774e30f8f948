using Checkpointer.Service.Journal;

namespace Checkpointer.Service.Tests.Coordination;

/// <summary>A journal that makes nothing durable until it is told to.</summary>
internal sealed class HeldJournal(IJournal inner) : IJournal
{
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _waiting = new(0);

    public long LastSequence => inner.LastSequence;

    public Task Completion => inner.Completion;

    /// <summary>What every append throws from now on; null: nothing.</summary>
    public Exception? AppendFails { get; set; }

    public void Release() => _released.SetResult();

    /// <summary>Completes when so many callers wait for durability.</summary>
    public async Task Waiting(int callers)
    {
        for (var i = 0; i < callers; i++)
        {
            Assert.True(await _waiting.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken), $"{i} of {callers} wait");
        }
    }

    public Task<JournalSnapshot?> ReadSnapshotAsync(CancellationToken cancellationToken) => inner.ReadSnapshotAsync(cancellationToken);

    public IAsyncEnumerable<JournalEntry> ReplayAsync(long after, CancellationToken cancellationToken) =>
        inner.ReplayAsync(after, cancellationToken);

    public JournalPosition Append(ushort type, ushort version, ReadOnlySpan<byte> payload) =>
        AppendFails is { } failure ? throw failure : inner.Append(type, version, payload);

    public async Task WaitUntilDurableAsync(long sequence, CancellationToken cancellationToken)
    {
        _ = _waiting.Release();
        await _released.Task.WaitAsync(cancellationToken);
        await inner.WaitUntilDurableAsync(sequence, cancellationToken);
    }

    public Task SaveSnapshotAsync(JournalSnapshot snapshot, CancellationToken cancellationToken) =>
        inner.SaveSnapshotAsync(snapshot, cancellationToken);

    public void TruncateBefore(long sequence) => inner.TruncateBefore(sequence);

    public async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync();
        _waiting.Dispose();
    }
}
