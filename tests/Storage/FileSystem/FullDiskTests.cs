using Checkpointer.Formats.Errors;
using Checkpointer.Storage.FileSystem;
using Checkpointer.TestKit;

namespace Checkpointer.Storage.Tests.FileSystem;

/// <summary>A real file system without room: what does not fit leaves no trace, and what is there stays.</summary>
public sealed class FullDiskTests
{
    private const int DiskBytes = 4 << 20;
    private const int ObjectBytes = (256 << 10) + 1;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Put_OnAFullDisk_SaysSoAndChangesNothing_AndGoesThroughOnceThereIsRoom(bool ifAbsent)
    {
        using var disk = Mount();
        using var store = new FileSystemObjectStore(disk.Path);
        var stored = await FillAsync(store, ifAbsent);
        Assert.InRange(stored, 4, DiskBytes / ObjectBytes);
        var free = disk.FreeBytes;

        for (var again = 0; again < 20; again++)
        {
            await IsFullAsync(() => PutAsync(store, stored, ifAbsent));
        }

        Assert.Equal(free, disk.FreeBytes);
        Assert.Null(await store.HeadAsync(Key(stored), Cancel));
        await AreWholeAsync(store, Enumerable.Range(0, stored));

        await store.DeleteAsync(Key(1), Cancel);
        await PutAsync(store, stored, ifAbsent);
        await AreWholeAsync(store, Enumerable.Range(0, stored + 1).Where(number => number != 1));
    }

    [Fact]
    public async Task Put_OfAReplacementThatDoesNotFit_LeavesTheOldObject()
    {
        using var disk = Mount();
        using var store = new FileSystemObjectStore(disk.Path);
        var stored = await FillAsync(store, ifAbsent: false);

        await IsFullAsync(() => store.PutAsync(Key(0), new ObjectContent(Content(1000)), Cancel));

        await AreWholeAsync(store, Enumerable.Range(0, stored));
    }

    [Fact]
    public async Task Put_WhereNoMoreFilesFit_SaysSoAndChangesNothing()
    {
        using var disk = Mount(maxFiles: 24);
        using var store = new FileSystemObjectStore(disk.Path);
        var stored = 0;
        var small = new ObjectContent(new byte[] { 7 });
        ObjectKey InFolder(int number) => new($"runs/{number}/object");

        async Task PutNextAsync()
        {
            Assert.Equal(PutOutcome.Created, await store.PutIfAbsentAsync(InFolder(stored), small, Cancel));
            stored++;
        }

        await IsFullAsync(async () =>
        {
            while (true)
            {
                await PutNextAsync();
            }
        });
        Assert.InRange(stored, 5, 12);
        await IsFullAsync(PutNextAsync);

        Assert.Equal(stored, await store.ListAsync("", Cancel).CountAsync(Cancel));
        await store.DeleteAsync(InFolder(0), Cancel);
        await store.DeleteAsync(InFolder(1), Cancel);
        await PutNextAsync();
    }

    private static SmallDisk Mount(int maxFiles = 0)
    {
        var disk = SmallDisk.TryMount(DiskBytes, maxFiles, out var reason);
        Assert.SkipWhen(disk is null, reason);
        return disk!;
    }

    private static ObjectKey Key(int number) => new($"runs/r/packs/{number:D6}.pack");

    private static byte[] Content(int number) => TestBytes.Make(ObjectBytes, number);

    private static async Task PutAsync(FileSystemObjectStore store, int number, bool ifAbsent)
    {
        var content = new ObjectContent(Content(number));
        if (ifAbsent)
        {
            Assert.Equal(PutOutcome.Created, await store.PutIfAbsentAsync(Key(number), content, Cancel));
        }
        else
        {
            await store.PutAsync(Key(number), content, Cancel);
        }
    }

    /// <summary>Puts objects until one does not fit; gives how many did.</summary>
    private static async Task<int> FillAsync(FileSystemObjectStore store, bool ifAbsent)
    {
        var stored = 0;
        await IsFullAsync(async () =>
        {
            for (; ; stored++)
            {
                await PutAsync(store, stored, ifAbsent);
            }
        });
        return stored;
    }

    private static async Task IsFullAsync(Func<Task> action)
    {
        var failure = await Assert.ThrowsAsync<CheckpointerException>(action);
        Assert.Equal(ErrorCode.StorageFull, failure.Code);
        Assert.False(failure.IsTransient);
        Assert.Contains("no room left", failure.Message, StringComparison.Ordinal);
    }

    private static async Task AreWholeAsync(FileSystemObjectStore store, IEnumerable<int> numbers)
    {
        var expected = numbers.ToList();
        var listed = await store.ListAsync("", Cancel).Select(info => info.Key).ToListAsync(Cancel);
        Assert.Equal(expected.Select(Key), listed);
        foreach (var number in expected)
        {
            Assert.Equal(Content(number), await store.ReadAllAsync(Key(number), ObjectBytes, Cancel));
        }
    }
}
