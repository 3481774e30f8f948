using Checkpointer.Journal.Tests.Conformance;
using Checkpointer.Service.Journal;

namespace Checkpointer.Journal.Tests.Memory;

public sealed class MemoryJournalTests : JournalConformance
{
    [Fact]
    public async Task Crash_LosesOnlyWhatNobodyWaitedFor()
    {
        var journal = new MemoryJournal();
        _ = journal.AppendNext();
        await journal.WaitUntilDurableAsync(journal.AppendNext(), Cancel);
        _ = journal.AppendNext();
        _ = journal.AppendNext();

        Assert.Equal(2, await Samples.CheckAsync(journal.Crash(), Cancel));
        Assert.Equal(3, await Samples.CheckAsync(journal.Crash(unacknowledged: 1), Cancel));
    }

    [Fact]
    public async Task Break_FailsWritersAndCompletion()
    {
        var journal = new MemoryJournal();
        _ = journal.AppendNext();
        journal.Break();

        _ = Assert.Throws<JournalException>(() => journal.AppendNext());
        _ = await Assert.ThrowsAsync<JournalException>(() => journal.WaitUntilDurableAsync(1, Cancel));
        _ = await Assert.ThrowsAsync<JournalException>(() => journal.Completion);
    }

    private protected override Task<IJournal> OpenAsync(IJournal? before) =>
        Task.FromResult<IJournal>(before is MemoryJournal memory ? memory.Crash(int.MaxValue) : new MemoryJournal());
}
