using System.Globalization;
using Checkpointer.Storage;
using Checkpointer.Storage.CrashPoints;
using Checkpointer.Storage.FileSystem;
using Checkpointer.Storage.Tests.FileSystem;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Processes;

namespace Checkpointer.Crash.Tests.Scenarios;

/// <summary>Puts and deletes on a file system: after a kill the object is whole or not there, and nothing unfinished stays.</summary>
internal static class StoreScenarios
{
    private const int Length = 3_000_000;
    private const string KeyText = "runs/r/packs/000001.000001/000000-000000.pack";

    private static readonly ObjectKey Key = new(KeyText);

    private static readonly string[] PutPoints =
    [
        CrashPointNames.FilePutWritten, CrashPointNames.FilePutSynced, CrashPointNames.FilePutNamed,
        CrashPointNames.FileFolderMade, CrashPointNames.FileFolderMade + ":2", CrashPointNames.FileFolderMade + ":4",
    ];

    public static IReadOnlyList<CrashScenario> All { get; } =
    [
        new(CrashTable.Storage, "put", PutPoints, crashAt => PutAsync(StoreChildren.Put, crashAt)),
        new(CrashTable.Storage, "put-if-absent", PutPoints, crashAt => PutAsync(StoreChildren.PutIfAbsent, crashAt)),
        new(
            CrashTable.Storage,
            "replace",
            [CrashPointNames.FilePutWritten, CrashPointNames.FilePutSynced, CrashPointNames.FilePutNamed],
            ReplaceAsync),
        new(
            CrashTable.Storage,
            "delete",
            [CrashPointNames.FileDeleteRemoved, CrashPointNames.FileFolderRemoved, CrashPointNames.FileFolderRemoved + ":4"],
            DeleteAsync),
        new(CrashTable.Storage, "open the store", [CrashPointNames.FileUnfinishedSwept], OpenAsync),
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task PutAsync(string program, string crashAt)
    {
        using var folder = new TemporaryFolder();
        var killed = await ChildAsync(folder, program, crashAt, seed: 1);
        Assert.True(killed.WasKilled, killed.ToString());
        var isNamed = crashAt == CrashPointNames.FilePutNamed;
        if (!isNamed || program == StoreChildren.PutIfAbsent)
        {
            Assert.NotEmpty(UnfinishedFiles(folder));
        }

        using (var store = new FileSystemObjectStore(folder.Path))
        {
            Assert.Empty(UnfinishedFiles(folder));
            Assert.Equal(isNamed ? TestBytes.Make(Length, 1) : null, await ReadOrNullAsync(store));
        }

        var repeated = await ChildAsync(folder, program, crashAt: null, seed: 1);
        Assert.True(repeated.ExitCode == 0, repeated.ToString());
        using var after = new FileSystemObjectStore(folder.Path);
        Assert.Equal(TestBytes.Make(Length, 1), await ReadOrNullAsync(after));
    }

    private static async Task ReplaceAsync(string crashAt)
    {
        using var folder = new TemporaryFolder();
        using var store = new FileSystemObjectStore(folder.Path);
        await store.PutAsync(Key, new ObjectContent(TestBytes.Make(Length, 1)), Cancel);

        var killed = await ChildAsync(folder, StoreChildren.Put, crashAt, seed: 2);

        Assert.True(killed.WasKilled, killed.ToString());
        Assert.Equal(TestBytes.Make(Length, crashAt == CrashPointNames.FilePutNamed ? 2 : 1), await ReadOrNullAsync(store));
    }

    private static async Task DeleteAsync(string crashAt)
    {
        using var folder = new TemporaryFolder();
        using var store = new FileSystemObjectStore(folder.Path);
        await store.PutAsync(Key, new ObjectContent(TestBytes.Make(Length, 1)), Cancel);

        var killed = await ChildProcess.RunAsync(StoreChildren.Delete, [folder.Path, KeyText], crashAt, Cancel);

        Assert.True(killed.WasKilled, killed.ToString());
        Assert.Null(await ReadOrNullAsync(store));
        await store.DeleteAsync(Key, Cancel);
        Assert.Null(await ReadOrNullAsync(store));

        // Also into folders that the dead one was taking away, and which this store had open.
        await store.PutAsync(Key, new ObjectContent(TestBytes.Make(Length, 2)), Cancel);
        Assert.Equal(TestBytes.Make(Length, 2), await ReadOrNullAsync(store));
    }

    private static async Task OpenAsync(string crashAt)
    {
        using var folder = new TemporaryFolder();
        foreach (var point in (string[])[CrashPointNames.FilePutWritten, crashAt])
        {
            var killed = await ChildAsync(folder, StoreChildren.Put, point, seed: 1);
            Assert.True(killed.WasKilled, killed.ToString());
        }

        using var store = new FileSystemObjectStore(folder.Path);
        Assert.Empty(UnfinishedFiles(folder));
        Assert.Null(await ReadOrNullAsync(store));
    }

    private static async Task<byte[]?> ReadOrNullAsync(FileSystemObjectStore store) =>
        await store.HeadAsync(Key, Cancel) is null ? null : await store.ReadAllAsync(Key, Length, Cancel);

    private static Task<ChildResult> ChildAsync(TemporaryFolder folder, string program, string? crashAt, int seed) => ChildProcess.RunAsync(
        program, [folder.Path, KeyText, Length.ToString(CultureInfo.InvariantCulture), $"{seed}"], crashAt, Cancel);

    private static string[] UnfinishedFiles(TemporaryFolder folder) => Directory.GetFiles(folder.File(".tmp"), "*-*");
}
