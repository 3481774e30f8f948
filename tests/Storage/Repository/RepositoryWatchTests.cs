using Checkpointer.Formats.Errors;
using Checkpointer.Storage.FileSystem;
using Checkpointer.Storage.Repository;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Faults;
using Checkpointer.TestKit.Stores;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Storage.Tests.Repository;

public sealed class RepositoryWatchTests
{
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FolderMovedAway_IsNoticed_AndTheSameFolderBackAsWell()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("store");
        using var store = new FolderObjectStore(path, createFolder: true);
        var identity = await RepositoryIdentity.EnsureAsync(store, new Random(1), Cancel);
        var watch = new RepositoryWatch(store, _time);
        Assert.Equal(RepositoryState.Present, (await watch.CheckAsync(Cancel)).State);

        Directory.Move(path, folder.File("moved"));
        var gone = await watch.CheckAsync(Cancel);

        Assert.Equal((RepositoryState.Unavailable, ErrorCode.StorageUnavailable, identity), (gone.State, gone.Error, gone.Identity));
        Assert.Contains(path, gone.Problem, StringComparison.Ordinal);

        Directory.Move(folder.File("moved"), path);
        Assert.Equal((RepositoryState.Present, identity), ((await watch.CheckAsync(Cancel)).State, watch.Current.Identity));
    }

    [Fact]
    public async Task AnotherFolderInItsPlace_IsAnotherRepository()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("store");
        using var store = new FolderObjectStore(path, createFolder: true);
        var first = await RepositoryIdentity.EnsureAsync(store, new Random(1), Cancel);
        var watch = new RepositoryWatch(store, _time);
        _ = await watch.CheckAsync(Cancel);

        Directory.Move(path, folder.File("moved"));
        Directory.CreateDirectory(path);
        Assert.Equal(RepositoryState.Absent, (await watch.CheckAsync(Cancel)).State);
        var second = await RepositoryIdentity.EnsureAsync(store, new Random(2), Cancel);

        Assert.Equal(second, (await watch.CheckAsync(Cancel)).Identity);
        Assert.NotEqual(first, second);
        Assert.True(File.Exists(Path.Combine(path, "repository.json")));
    }

    [Fact]
    public async Task FolderMissing_IsNotMade_AndFoundOnceItIsThere()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("store");
        using var store = new FolderObjectStore(path, createFolder: false);
        var watch = new RepositoryWatch(store, _time);

        Assert.Equal(RepositoryState.Unavailable, (await watch.CheckAsync(Cancel)).State);
        var refused = await Assert.ThrowsAsync<CheckpointerException>(
            () => store.PutAsync(new ObjectKey("a"), new ObjectContent(new byte[1]), Cancel));
        Assert.Equal((ErrorCode.StorageUnavailable, false), (refused.Code, refused.IsTransient));
        Assert.False(Directory.Exists(path));

        Directory.CreateDirectory(path);
        Assert.Equal(RepositoryState.Absent, (await watch.CheckAsync(Cancel)).State);
    }

    [Fact]
    public async Task OnceKnown_ALookIsOneHead()
    {
        var operations = new List<StoreOperation>();
        var inner = new MemoryObjectStore(_time);
        var store = new FaultInjectingObjectStore(
            inner,
            (operation, _) =>
            {
                operations.Add(operation);
                return StoreFault.None;
            },
            _time);
        var watch = new RepositoryWatch(store, _time);
        _ = await RepositoryIdentity.EnsureAsync(inner, new Random(1), Cancel);
        _ = await watch.CheckAsync(Cancel);
        operations.Clear();

        Assert.Equal(RepositoryState.Present, (await watch.CheckAsync(Cancel)).State);

        Assert.Equal([StoreOperation.Head], operations);
    }

    [Fact]
    public async Task StoreThatHangs_IsUnavailableInBoundedTime_AndTheAgeTells()
    {
        var store = new FaultInjectingObjectStore(new MemoryObjectStore(_time), (_, _) => StoreFault.Hang, _time);
        var watch = new RepositoryWatch(store, _time);
        Assert.Null(watch.Age);

        var check = watch.CheckAsync(Cancel);
        _time.Advance(RepositoryWatch.Timeout);

        Assert.Equal(RepositoryState.Unavailable, (await check).State);
        _time.Advance(TimeSpan.FromSeconds(7));
        Assert.Equal(TimeSpan.FromSeconds(7), watch.Age);
    }
}
