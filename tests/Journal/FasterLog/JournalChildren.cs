using System.Globalization;
using Checkpointer.Service.Journal;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Journal.Tests.FasterLog;

/// <summary>What this executable does when a test runs it again as a child.</summary>
internal static class JournalChildren
{
    public const string Append = "append";
    public const string FullDisk = "full-disk";

    /// <summary>Small pages and files, so that a few entries cross many of both.</summary>
    public const byte PageSizeBits = 12;

    public const byte SegmentSizeBits = 14;

    public static readonly IReadOnlyDictionary<string, Func<string[], Task<int>>> Programs =
        new Dictionary<string, Func<string[], Task<int>>> { [Append] = AppendAsync, [FullDisk] = FullDiskAsync };

    public static Task<FasterLogJournal> OpenAsync(string folder, CancellationToken cancellationToken) =>
        FasterLogJournal.OpenAsync(
            new FasterLogJournalOptions { Folder = folder, PageSizeBits = PageSizeBits, SegmentSizeBits = SegmentSizeBits },
            NullLogger.Instance,
            cancellationToken);

    /// <summary>
    /// Arguments: folder, number of entries, entries a batch. Goes on where the journal ends; after each batch waits and
    /// prints the last sequence that is durable; now and then saves a snapshot and truncates.
    /// </summary>
    private static async Task<int> AppendAsync(string[] arguments)
    {
        await using var journal = await OpenAsync(arguments[0], CancellationToken.None);
        _ = await Samples.CheckAsync(journal, CancellationToken.None);
        var batch = int.Parse(arguments[2], CultureInfo.InvariantCulture);
        var end = journal.LastSequence + int.Parse(arguments[1], CultureInfo.InvariantCulture);
        while (journal.LastSequence < end)
        {
            for (var i = 0; i < batch; i++)
            {
                _ = journal.AppendNext();
            }

            await journal.WaitUntilDurableAsync(journal.LastSequence, CancellationToken.None);
            Console.WriteLine(journal.LastSequence);
            if (journal.LastSequence / batch % 4 == 0)
            {
                await journal.SaveSnapshotAsync(Samples.Snapshot(journal.LastSequence), CancellationToken.None);
                journal.TruncateBefore(journal.LastSequence);
            }
        }

        return 0;
    }

    /// <summary>Arguments: folder on a small file system. Appends until the disk is full and checks what the journal says and keeps.</summary>
    private static async Task<int> FullDiskAsync(string[] arguments)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        long acknowledged = 0;
        await using (var journal = await OpenAsync(arguments[0], patience.Token))
        {
            try
            {
                while (true)
                {
                    var sequence = journal.AppendNext();
                    await journal.WaitUntilDurableAsync(sequence, patience.Token);
                    acknowledged = sequence;
                }
            }
            catch (JournalException e)
            {
                Console.WriteLine(e.Message);
            }

            if (!journal.Completion.IsFaulted || Record.Exception(() => journal.AppendNext()) is not JournalException)
            {
                Console.WriteLine("the journal goes on");
                return 1;
            }
        }

        await using var again = await OpenAsync(arguments[0], patience.Token);
        var last = await Samples.CheckAsync(again, patience.Token);
        Console.WriteLine($"acknowledged {acknowledged}, found {last}");
        return acknowledged > 10 && last >= acknowledged ? 0 : 1;
    }
}
