using Checkpointer.Formats.Errors;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Processes;

namespace Checkpointer.Journal.Tests.FasterLog;

/// <summary>What only other processes show: a journal that is open already, a full disk. (SIGKILL at every crash point: tests/Crash.)</summary>
public sealed class JournalProcessTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

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
