using Checkpointer.Formats.Errors;
using Checkpointer.Service.Journal;

namespace Checkpointer.Journal.Tests.Conformance;

/// <summary>What <see cref="IJournal"/> promises, for every implementation.</summary>
public abstract class JournalConformance : IAsyncDisposable
{
    private IJournal? _open;

    private protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private protected abstract Task<IJournal> OpenAsync(IJournal? before);

    public virtual async ValueTask DisposeAsync()
    {
        if (_open is not null)
        {
            await _open.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Open_Empty_HasNothing()
    {
        var journal = await ReopenAsync();

        Assert.Equal(0, journal.LastSequence);
        Assert.Null(await journal.ReadSnapshotAsync(Cancel));
        Assert.Empty(await ReplayAsync(journal, 0));
        Assert.False(journal.Completion.IsCompleted);
    }

    [Fact]
    public async Task Append_ThenReopen_ReplaysTheSameInOrder()
    {
        var journal = await ReopenAsync();
        for (var i = 1; i <= 100; i++)
        {
            Assert.Equal(i, journal.AppendNext());
        }

        await journal.WaitUntilDurableAsync(100, Cancel);
        journal = await ReopenAsync();

        Assert.Equal(100, journal.LastSequence);
        Assert.Equal(100, await Samples.CheckAsync(journal, Cancel));
        Assert.Equal(Enumerable.Range(61, 40).Select(i => (long)i), (await ReplayAsync(journal, 60)).Select(e => e.Sequence));
        Assert.Equal(101, journal.AppendNext());
    }

    [Fact]
    public async Task Append_CallerReusesBuffer_EntryKeepsItsBytes()
    {
        var journal = await ReopenAsync();
        byte[] buffer = [1, 2, 3];
        var position = journal.Append(9, 8, buffer);
        buffer.AsSpan().Clear();
        await journal.WaitUntilDurableAsync(position.Sequence, Cancel);
        journal = await ReopenAsync();

        Samples.AssertEqual(new JournalEntry(1, 9, 8, new byte[] { 1, 2, 3 }), Assert.Single(await ReplayAsync(journal, 0)));
    }

    [Fact]
    public async Task Append_EmptyAndLargest_Fit_AndOneMoreByteDoesNot()
    {
        var journal = await ReopenAsync();
        var largest = new byte[JournalLimits.MaxPayloadBytes];
        largest.AsSpan().Fill(7);
        _ = journal.Append(1, 1, []);
        _ = journal.Append(1, 1, largest);
        _ = journal.Append(1, 1, largest);
        var tooLarge = Assert.Throws<CheckpointerException>(
            () => journal.Append(1, 1, new byte[JournalLimits.MaxPayloadBytes + 1]));
        await journal.WaitUntilDurableAsync(3, Cancel);
        journal = await ReopenAsync();

        Assert.Equal(ErrorCode.LimitExceeded, tooLarge.Code);
        var entries = await ReplayAsync(journal, 0);
        Assert.Equal([0, largest.Length, largest.Length], entries.Select(entry => entry.Payload.Length));
        Assert.True(entries[2].Payload.Span.SequenceEqual(largest));
    }

    [Fact]
    public async Task Append_FromManyThreads_EachGetsItsOwnPlace()
    {
        const int Callers = 8;
        const int Each = 200;
        var journal = await ReopenAsync();
        var places = await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(
            async () =>
            {
                var mine = new List<long>();
                for (var i = 0; i < Each; i++)
                {
                    var position = journal.Append((ushort)caller, 0, BitConverter.GetBytes(i));
                    mine.Add(position.Sequence);
                    if (i % 20 == 19)
                    {
                        await journal.WaitUntilDurableAsync(position.Sequence, Cancel);
                    }
                }

                return mine;
            }, Cancel)));
        journal = await ReopenAsync();

        var entries = await ReplayAsync(journal, 0);
        Assert.Equal(Callers * Each, entries.Count);
        for (var caller = 0; caller < Callers; caller++)
        {
            var mine = entries.Where(entry => entry.Type == caller).ToList();
            Assert.Equal(places[caller], mine.Select(entry => entry.Sequence));
            Assert.Equal(Enumerable.Range(0, Each), mine.Select(entry => BitConverter.ToInt32(entry.Payload.Span)));
        }
    }

    [Fact]
    public async Task Replay_AfterAppend_IsRefused()
    {
        var journal = await ReopenAsync();
        _ = journal.AppendNext();

        _ = await Assert.ThrowsAsync<InvalidOperationException>(() => ReplayAsync(journal, 0));
    }

    [Fact]
    public async Task WaitUntilDurable_OfNoEntry_IsRefused()
    {
        var journal = await ReopenAsync();
        _ = journal.AppendNext();

        _ = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => journal.WaitUntilDurableAsync(2, Cancel));
    }

    [Fact]
    public async Task Snapshot_ThenReopen_BoundsReplay()
    {
        var journal = await ReopenAsync();
        for (var i = 0; i < 50; i++)
        {
            _ = journal.AppendNext();
        }

        await journal.SaveSnapshotAsync(Samples.Snapshot(20), Cancel);
        await journal.SaveSnapshotAsync(Samples.Snapshot(30), Cancel);
        await journal.SaveSnapshotAsync(Samples.Snapshot(40), Cancel);
        _ = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => journal.SaveSnapshotAsync(Samples.Snapshot(40), Cancel));
        journal = await ReopenAsync();

        Assert.Equal(40, (await journal.ReadSnapshotAsync(Cancel))!.Sequence);
        Assert.Equal(50, await Samples.CheckAsync(journal, Cancel));
        _ = journal.AppendNext();
        await journal.SaveSnapshotAsync(Samples.Snapshot(51), Cancel);
    }

    [Fact]
    public async Task TruncateBefore_WithOneSnapshot_LetsGoOfNothing()
    {
        var journal = await ReopenAsync();
        for (var i = 0; i < 400; i++)
        {
            _ = journal.AppendNext();
        }

        await journal.SaveSnapshotAsync(Samples.Snapshot(300), Cancel);
        journal.TruncateBefore(300);
        await journal.WaitUntilDurableAsync(journal.AppendNext(), Cancel);
        journal = await ReopenAsync();

        Assert.Equal(401, (await ReplayAsync(journal, 0)).Count);
    }

    [Fact]
    public async Task TruncateBefore_NeverLetsGoOfWhatTheOldestKeptSnapshotLacks()
    {
        var journal = await ReopenAsync();
        for (var i = 0; i < 400; i++)
        {
            _ = journal.AppendNext();
        }

        await journal.SaveSnapshotAsync(Samples.Snapshot(100), Cancel);
        await journal.SaveSnapshotAsync(Samples.Snapshot(300), Cancel);
        journal.TruncateBefore(400);
        await journal.WaitUntilDurableAsync(journal.AppendNext(), Cancel);
        journal = await ReopenAsync();

        Assert.Equal(401, await Samples.CheckAsync(journal, Cancel));
        Assert.Equal(301, (await ReplayAsync(journal, 100)).Count);
    }

    [Fact]
    public async Task Dispose_CompletesCompletion_AndEndsAppending()
    {
        var journal = await ReopenAsync();
        _ = journal.AppendNext();
        await journal.DisposeAsync();
        await journal.DisposeAsync();

        await journal.Completion;
        _ = Assert.Throws<ObjectDisposedException>(() => journal.AppendNext());
    }

    private protected static async Task<List<JournalEntry>> ReplayAsync(IJournal journal, long after)
    {
        var entries = new List<JournalEntry>();
        await foreach (var entry in journal.ReplayAsync(after, Cancel))
        {
            entries.Add(entry);
        }

        return entries;
    }

    private protected async Task<IJournal> ReopenAsync()
    {
        if (_open is not null)
        {
            await _open.DisposeAsync();
        }

        return _open = await OpenAsync(_open);
    }
}
