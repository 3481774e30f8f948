using Checkpointer.Service.Journal;
using Checkpointer.TestKit;

namespace Checkpointer.Journal.Tests;

/// <summary>Entries and snapshots that follow from their sequence alone, so that any replay can be checked.</summary>
internal static class Samples
{
    public static JournalEntry Entry(long sequence, int maxBytes = 1500) => new(
        sequence,
        (ushort)(sequence % 7),
        (ushort)(sequence % 3),
        TestBytes.Make((int)(sequence * 7919 % maxBytes), (int)sequence));

    public static JournalSnapshot Snapshot(long sequence) =>
        new(sequence, (ushort)(sequence % 5), TestBytes.Make(2000 + (int)sequence, (int)sequence));

    public static long AppendNext(this IJournal journal, int maxBytes = 1500)
    {
        var entry = Entry(journal.LastSequence + 1, maxBytes);
        return journal.Append(entry.Type, entry.Version, entry.Payload.Span).Sequence;
    }

    /// <summary>Reads as the service does at its start and checks all of it; gives the last sequence.</summary>
    public static async Task<long> CheckAsync(IJournal journal, CancellationToken cancellationToken, int maxBytes = 1500)
    {
        var snapshot = await journal.ReadSnapshotAsync(cancellationToken);
        if (snapshot is not null)
        {
            var expected = Snapshot(snapshot.Sequence);
            Assert.Equal(expected.Version, snapshot.Version);
            Assert.True(expected.State.Span.SequenceEqual(snapshot.State.Span), $"snapshot {snapshot.Sequence} differs");
        }

        var last = snapshot?.Sequence ?? 0;
        await foreach (var entry in journal.ReplayAsync(last, cancellationToken))
        {
            Assert.Equal(last + 1, entry.Sequence);
            AssertEqual(Entry(entry.Sequence, maxBytes), entry);
            last++;
        }

        Assert.Equal(journal.LastSequence, last);
        return last;
    }

    public static void AssertEqual(JournalEntry expected, JournalEntry actual)
    {
        Assert.Equal((expected.Sequence, expected.Type, expected.Version), (actual.Sequence, actual.Type, actual.Version));
        Assert.True(expected.Payload.Span.SequenceEqual(actual.Payload.Span), $"entry {expected.Sequence} differs");
    }
}
