using System.Globalization;
using Checkpointer.Journal.Tests;
using Checkpointer.Journal.Tests.FasterLog;
using Checkpointer.Service.Journal;
using Checkpointer.Storage.CrashPoints;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Processes;

namespace Checkpointer.Crash.Tests.Scenarios;

/// <summary>The journal: nothing that was acknowledged, or read once, is ever lost, and it always opens.</summary>
internal static class JournalScenarios
{
    // Entries a batch: they fill several pages, so that some are on disk before any commit covers them.
    private const int Batch = 37;

    private const string Entries = "1000";

    public static IReadOnlyList<CrashScenario> All { get; } =
    [
        new(
            CrashTable.Journal,
            "append",
            [CrashPointNames.JournalAppended, CrashPointNames.JournalCommitted, CrashPointNames.JournalMarked],
            AppendAsync),
        new(
            CrashTable.Journal,
            "append and save",
            [
                .. Times(CrashPointNames.JournalSlotWritten, 1, 2, 3, 10),
                .. Times(CrashPointNames.JournalTruncated, 1, 2),
                .. Times(CrashPointNames.JournalSnapshotSaved, 1, 3),
                .. Times(CrashPointNames.JournalSnapshotDeleted, 1, 2),
                .. Times(CrashPointNames.DataFileWritten, 1, 2, 3),
                .. Times(CrashPointNames.DataFileSynced, 1, 2, 4),
                .. Times(CrashPointNames.DataFileNamed, 1, 2, 3),
            ],
            crashAt => KillAsync(crashAt)),
        new(
            CrashTable.Journal,
            "open the journal",
            [CrashPointNames.DataFileUnfinishedDeleted, CrashPointNames.JournalMarkRaised],
            crashAt => KillAsync(
                crashAt == CrashPointNames.JournalMarkRaised ? CrashPointNames.JournalCommitted : CrashPointNames.DataFileSynced + ":3",
                crashAt)),
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static IEnumerable<string> Times(string point, params int[] times) => times.Select(time => $"{point}:{time}");

    /// <summary>Killed again and again on one folder.</summary>
    private static Task AppendAsync(string point) => KillAsync(
        [.. Enumerable.Range(1, 4).Select(round => $"{point}:{(point == CrashPointNames.JournalAppended ? (Batch + 11) * round : round)}")]);

    private static async Task KillAsync(params string[] crashes)
    {
        using var folder = new TemporaryFolder();
        long acknowledged = 0;
        foreach (var crashAt in crashes)
        {
            var child = await ChildProcess.RunAsync(JournalChildren.Append, [folder.Path, Entries, $"{Batch}"], crashAt, Cancel);

            Assert.True(child.WasKilled, child.ToString());
            var told = child.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            acknowledged = told.Length > 0 ? long.Parse(told[^1], CultureInfo.InvariantCulture) : acknowledged;
            if (crashAt != crashes[^1] && crashAt == CrashPointNames.JournalCommitted)
            {
                // Left as it is for the next process, which then finds more than the mark says.
                continue;
            }

            if (crashAt.StartsWith(CrashPointNames.DataFileSynced, StringComparison.Ordinal))
            {
                Assert.NotEmpty(Directory.GetFiles(folder.Path, "*" + DurableFile.UnfinishedSuffix));
            }

            if (crashAt != crashes[^1] && crashes[^1] == CrashPointNames.DataFileUnfinishedDeleted)
            {
                continue;
            }

            await using var journal = await JournalChildren.OpenAsync(folder.Path, Cancel);
            var last = await Samples.CheckAsync(journal, Cancel);
            Assert.InRange(last, acknowledged, acknowledged + Batch);
            if (CrashScenario.NameOf(crashAt) is CrashPointNames.JournalCommitted or CrashPointNames.JournalMarked)
            {
                // Something was committed that nobody was told of.
                Assert.True(last > acknowledged, $"{last} is not beyond {acknowledged}");
            }

            // What a replay has shown once is acknowledged too.
            acknowledged = last;
        }

        var done = await ChildProcess.RunAsync(JournalChildren.Append, [folder.Path, Entries, $"{Batch}"], null, Cancel);
        Assert.True(done.ExitCode == 0, done.ToString());
        await using var after = await JournalChildren.OpenAsync(folder.Path, Cancel);
        Assert.True(await Samples.CheckAsync(after, Cancel) >= acknowledged + 1000);
        Assert.False(File.Exists(LogReader.SegmentPath(folder.Path, 0)));
        Assert.Empty(Directory.GetFiles(folder.Path, "*" + DurableFile.UnfinishedSuffix));
    }
}
