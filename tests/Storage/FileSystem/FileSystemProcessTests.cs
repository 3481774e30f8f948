using System.Globalization;
using Checkpointer.Storage.FileSystem;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Processes;

namespace Checkpointer.Storage.Tests.FileSystem;

/// <summary>What only real processes show: races between them, a full disk. (SIGKILL in the middle: tests/Crash.)</summary>
public sealed class FileSystemProcessTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task PutIfAbsent_ManyProcesses_ExactlyOneCreatesEach()
    {
        const int Keys = 100;
        var results = await Task.WhenAll(Enumerable.Range(0, 4).Select(seed => ChildProcess.RunAsync(
            StoreChildren.Race, [_folder.Path, Keys.ToString(CultureInfo.InvariantCulture), $"{seed}"], null, Cancel)));

        Assert.All(results, result => Assert.True(result.ExitCode == 0, result.ToString()));
        var created = results
            .SelectMany((result, seed) => result.Output
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(key => (Key: new ObjectKey(key), Seed: seed)))
            .ToDictionary(pair => pair.Key, pair => pair.Seed);
        Assert.Equal(Keys, created.Count);
        using var store = new FileSystemObjectStore(_folder.Path);
        foreach (var (key, seed) in created)
        {
            Assert.Equal(TestBytes.Make(5000, seed), await store.ReadAllAsync(key, 10_000, Cancel));
        }
    }

    [Fact]
    public async Task Open_WhileAnotherProcessWrites_SweepsOnlyTheDead()
    {
        using var first = new FileSystemObjectStore(_folder.Path);
        var living = Path.Combine(_folder.Path, ".tmp", $"{Environment.ProcessId}_1-77");
        var dead = Path.Combine(_folder.Path, ".tmp", "4194305_1-1");
        await File.WriteAllTextAsync(living, "unfinished", Cancel);
        await File.WriteAllTextAsync(dead, "left over", Cancel);

        using var second = new FileSystemObjectStore(_folder.Path);

        Assert.True(File.Exists(living));
        Assert.False(File.Exists(dead));
    }

    [Fact]
    public async Task Put_DiskFull_SaysSoAndLeavesNoTrace()
    {
        // A file system of 8.3 MiB in a mount namespace of its own: no root needed, nothing left mounted.
        string[] mount = ["unshare", "--map-root-user", "--mount", "sh", "-c"];
        var script = "mount -t tmpfs -o size=8500k tmpfs \"$0\" || exit 77; exec \"$@\"";
        var child = ChildProcess.CommandLine(StoreChildren.FullDisk, [_folder.Path]);
        var result = await ChildProcess.ExecuteAsync([.. mount, script, _folder.Path, .. child], null, Cancel);
        Assert.SkipWhen(
            result.ExitCode == 77 || result.Error.Contains("unshare", StringComparison.Ordinal),
            $"cannot mount a small tmpfs here: {result.Error}");

        Assert.True(result.ExitCode == 0, result.ToString());
    }
}
