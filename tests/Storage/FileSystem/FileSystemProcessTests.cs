using System.Globalization;
using Checkpointer.Storage.CrashPoints;
using Checkpointer.Storage.FileSystem;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Processes;

namespace Checkpointer.Storage.Tests.FileSystem;

/// <summary>What only real processes show: races between them, SIGKILL in the middle, a full disk.</summary>
public sealed class FileSystemProcessTests : IDisposable
{
    private const int Length = 3_000_000;
    private const string KeyText = "runs/r/packs/000001.000001/000000-000000.pack";

    private static readonly ObjectKey Key = new(KeyText);

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string, string> PutCrashes
    {
        get
        {
            var crashes = new TheoryData<string, string>();
            foreach (var program in new[] { StoreChildren.Put, StoreChildren.PutIfAbsent })
            {
                foreach (var point in new[]
                {
                    CrashPointNames.FilePutWritten, CrashPointNames.FilePutSynced, CrashPointNames.FilePutNamed,
                })
                {
                    crashes.Add(program, point);
                }
            }

            return crashes;
        }
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(PutCrashes))]
    public async Task Put_KilledOnTheWay_LeavesWholeObjectOrNone(string program, string crashAt)
    {
        var killed = await ChildAsync(program, crashAt, seed: 1);
        Assert.True(killed.WasKilled, killed.ToString());
        if (crashAt != CrashPointNames.FilePutNamed || program == StoreChildren.PutIfAbsent)
        {
            Assert.NotEmpty(UnfinishedFiles());
        }

        using (var store = new FileSystemObjectStore(_folder.Path))
        {
            Assert.Empty(UnfinishedFiles());
            var expected = crashAt == CrashPointNames.FilePutNamed ? TestBytes.Make(Length, 1) : null;
            Assert.Equal(expected, await ReadOrNullAsync(store));
        }

        var repeated = await ChildAsync(program, crashAt: null, seed: 1);
        Assert.True(repeated.ExitCode == 0, repeated.ToString());
        using var after = new FileSystemObjectStore(_folder.Path);
        Assert.Equal(TestBytes.Make(Length, 1), await ReadOrNullAsync(after));
    }

    [Theory]
    [InlineData(CrashPointNames.FilePutWritten, 1)]
    [InlineData(CrashPointNames.FilePutSynced, 1)]
    [InlineData(CrashPointNames.FilePutNamed, 2)]
    public async Task Put_KilledWhileReplacing_LeavesOldOrNewWhole(string crashAt, int seedThen)
    {
        using var store = new FileSystemObjectStore(_folder.Path);
        await store.PutAsync(Key, new ObjectContent(TestBytes.Make(Length, 1)), Cancel);

        var killed = await ChildAsync(StoreChildren.Put, crashAt, seed: 2);

        Assert.True(killed.WasKilled, killed.ToString());
        Assert.Equal(TestBytes.Make(Length, seedThen), await ReadOrNullAsync(store));
    }

    [Fact]
    public async Task Delete_Killed_CanBeRepeated()
    {
        using var store = new FileSystemObjectStore(_folder.Path);
        await store.PutAsync(Key, new ObjectContent(TestBytes.Make(Length, 1)), Cancel);

        var killed = await ChildProcess.RunAsync(
            StoreChildren.Delete, [_folder.Path, KeyText], CrashPointNames.FileDeleteRemoved, Cancel);

        Assert.True(killed.WasKilled, killed.ToString());
        Assert.Null(await ReadOrNullAsync(store));
        await store.DeleteAsync(Key, Cancel);
        Assert.Null(await ReadOrNullAsync(store));
    }

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

    private static async Task<byte[]?> ReadOrNullAsync(FileSystemObjectStore store) =>
        await store.HeadAsync(Key, Cancel) is null ? null : await store.ReadAllAsync(Key, Length, Cancel);

    private Task<ChildResult> ChildAsync(string program, string? crashAt, int seed) => ChildProcess.RunAsync(
        program, [_folder.Path, KeyText, Length.ToString(CultureInfo.InvariantCulture), $"{seed}"], crashAt, Cancel);

    private string[] UnfinishedFiles() => Directory.GetFiles(Path.Combine(_folder.Path, ".tmp"), "*-*");
}
