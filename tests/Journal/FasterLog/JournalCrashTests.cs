using System.Globalization;
using Checkpointer.Formats.Errors;
using Checkpointer.Service.Journal;
using Checkpointer.Storage.CrashPoints;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Processes;

namespace Checkpointer.Journal.Tests.FasterLog;

/// <summary>SIGKILL at every crash point of the journal, again and again on one folder: nothing acknowledged is lost.</summary>
public sealed class JournalCrashTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Points =>
    [
        CrashPointNames.JournalAppended, CrashPointNames.JournalCommitted, CrashPointNames.JournalMarked,
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Points))]
    public async Task Killed_AgainAndAgain_LosesNothingAcknowledged(string point)
    {
        long acknowledged = 0;
        for (var round = 1; round <= 4; round++)
        {
            // 37 entries a batch fill several pages, so that some are on disk before any commit covers them.
            var crashAt = $"{point}:{(point == CrashPointNames.JournalAppended ? (37 * round) + (11 * round) : round)}";
            var child = await ChildProcess.RunAsync(JournalChildren.Append, [_folder.Path, "1000", "37"], crashAt, Cancel);

            Assert.True(child.WasKilled, child.ToString());
            var told = child.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            acknowledged = told.Length > 0 ? long.Parse(told[^1], CultureInfo.InvariantCulture) : acknowledged;
            await using var journal = await JournalChildren.OpenAsync(_folder.Path, Cancel);
            var last = await Samples.CheckAsync(journal, Cancel);
            Assert.InRange(last, acknowledged, acknowledged + 37);
            if (point != CrashPointNames.JournalAppended)
            {
                // Something was committed that nobody was told of.
                Assert.True(last > acknowledged, $"{last} is not beyond {acknowledged}");
            }

            // What a replay has shown once is acknowledged too.
            acknowledged = last;
        }

        var done = await ChildProcess.RunAsync(JournalChildren.Append, [_folder.Path, "1000", "37"], null, Cancel);
        Assert.True(done.ExitCode == 0, done.ToString());
        await using var after = await JournalChildren.OpenAsync(_folder.Path, Cancel);
        Assert.True(await Samples.CheckAsync(after, Cancel) >= acknowledged + 1000);
        Assert.False(File.Exists(LogReader.SegmentPath(_folder.Path, 0)));
    }

    [Fact]
    public async Task Open_Twice_IsRefused()
    {
        await using var journal = await JournalChildren.OpenAsync(_folder.Path, Cancel);

        var refused = await Assert.ThrowsAsync<CheckpointerException>(() => JournalChildren.OpenAsync(_folder.Path, Cancel));
        Assert.Equal(ErrorCode.ServiceUnavailable, refused.Code);
        var child = await ChildProcess.RunAsync(JournalChildren.Append, [_folder.Path, "1", "1"], null, Cancel);
        Assert.NotEqual(0, child.ExitCode);
        Assert.Contains("open in another process", child.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Append_DiskFull_EndsTheJournalAndKeepsWhatItAcknowledged()
    {
        // A small file system in a mount namespace of its own: no root needed, nothing left mounted.
        string[] mount = ["unshare", "--map-root-user", "--mount", "sh", "-c"];
        var script = "mount -t tmpfs -o size=600k tmpfs \"$0\" || exit 77; exec \"$@\"";
        var child = ChildProcess.CommandLine(JournalChildren.FullDisk, [_folder.Path]);
        var result = await ChildProcess.ExecuteAsync([.. mount, script, _folder.Path, .. child], null, Cancel);
        Assert.SkipWhen(
            result.ExitCode == 77 || result.Error.Contains("unshare", StringComparison.Ordinal),
            $"cannot mount a small tmpfs here: {result.Error}");

        Assert.True(result.ExitCode == 0, result.ToString());
    }
}
