using Checkpointer.Formats.Errors;
using Checkpointer.Storage.FileSystem;
using Checkpointer.TestKit;

namespace Checkpointer.Storage.Tests.FileSystem;

public sealed class FileSystemBoundaryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TemporaryFolder _outside = new();
    private readonly FileSystemObjectStore _store;

    public FileSystemBoundaryTests() => _store = new FileSystemObjectStore(_folder.Path);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static ObjectContent Small => new(new byte[] { 1, 2, 3 });

    public void Dispose()
    {
        _store.Dispose();
        _folder.Dispose();
        _outside.Dispose();
    }

    [Fact]
    public async Task AnyCall_ThroughALinkedFolder_IsRefused()
    {
        File.WriteAllText(_outside.File("secret"), "secret");
        Directory.CreateSymbolicLink(_folder.File("runs"), _outside.Path);
        var key = new ObjectKey("runs/secret");
        var deep = new ObjectKey("runs/made/here");

        await FailsAsync(() => _store.ReadAsync(key, 0, new byte[1], Cancel));
        await FailsAsync(() => _store.HeadAsync(key, Cancel));
        await FailsAsync(() => _store.PutAsync(key, Small, Cancel));
        await FailsAsync(() => _store.PutIfAbsentAsync(deep, Small, Cancel));
        await FailsAsync(() => _store.DeleteAsync(key, Cancel));
        Assert.Equal(["secret"], Directory.GetFileSystemEntries(_outside.Path).Select(Path.GetFileName));
        Assert.Empty(await _store.ListAsync("", Cancel).ToListAsync(Cancel));
    }

    [Fact]
    public async Task Read_OfALinkedFile_IsRefused_AndPutReplacesTheLinkOnly()
    {
        File.WriteAllText(_outside.File("secret"), "secret");
        File.CreateSymbolicLink(_folder.File("object"), _outside.File("secret"));
        var key = new ObjectKey("object");

        await FailsAsync(() => _store.ReadAsync(key, 0, new byte[1], Cancel));
        await FailsAsync(() => _store.PutIfAbsentAsync(key, Small, Cancel));
        Assert.Null(await _store.HeadAsync(key, Cancel));
        await _store.PutAsync(key, Small, Cancel);
        Assert.Equal("secret", File.ReadAllText(_outside.File("secret")));
        Assert.Equal(3, (await _store.HeadAsync(key, Cancel))!.Value.SizeBytes);
    }

    [Fact]
    public async Task Put_WhereAFolderOrFileIs_IsRefused()
    {
        await _store.PutAsync(new ObjectKey("a/b"), Small, Cancel);

        await FailsAsync(() => _store.PutAsync(new ObjectKey("a"), Small, Cancel));
        await FailsAsync(() => _store.PutIfAbsentAsync(new ObjectKey("a"), Small, Cancel));
        await FailsAsync(() => _store.PutAsync(new ObjectKey("a/b/c"), Small, Cancel));
        await FailsAsync(() => _store.ReadAsync(new ObjectKey("a"), 0, new byte[1], Cancel), ErrorCode.NotFound);
        Assert.Null(await _store.HeadAsync(new ObjectKey("a"), Cancel));
        Assert.Null(await _store.HeadAsync(new ObjectKey("a/b/c"), Cancel));
        await _store.DeleteAsync(new ObjectKey("a"), Cancel);
        Assert.NotNull(await _store.HeadAsync(new ObjectKey("a/b"), Cancel));
    }

    [Fact]
    public async Task Keys_AtTheirLongest_AreStored()
    {
        var segment = new string('s', ObjectKey.MaxSegmentLength);
        var longest = $"{segment}/{segment}/{segment}/{new string('t', ObjectKey.MaxLength - 3 * 256)}";
        Assert.Equal(ObjectKey.MaxLength, longest.Length);

        await _store.PutAsync(new ObjectKey(longest), Small, Cancel);

        Assert.Equal(longest, Assert.Single(await _store.ListAsync("", Cancel).ToListAsync(Cancel)).Key.Value);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/etc/passwd")]
    [InlineData("../x")]
    [InlineData("a/../../x")]
    [InlineData("a/./b")]
    [InlineData("a//b")]
    [InlineData("a/")]
    [InlineData(".tmp/open.lock")]
    [InlineData("a\\..\\b")]
    [InlineData("a\0b")]
    [InlineData("a%2e%2e")]
    [InlineData("ä")]
    public void ObjectKey_PathTricks_AreNoKeys(string value)
    {
        Assert.False(ObjectKey.IsValid(value));
        var failure = Assert.Throws<CheckpointerException>(() => new ObjectKey(value));
        Assert.Equal(ErrorCode.InvalidRequest, failure.Code);
    }

    [Fact]
    public void ObjectKey_OneOverItsLimits_IsNoKey()
    {
        Assert.True(ObjectKey.IsValid(new string('s', ObjectKey.MaxSegmentLength)));
        Assert.False(ObjectKey.IsValid(new string('s', ObjectKey.MaxSegmentLength + 1)));
        var longest = string.Join('/', Enumerable.Repeat("aaaa", ObjectKey.MaxLength / 5)) + "/";
        Assert.True(ObjectKey.IsValid(longest[..^2] + "b"));
        Assert.Equal(ObjectKey.MaxLength, longest.Length);
        Assert.False(ObjectKey.IsValid(longest + "b"));
    }

    [Fact]
    public void Open_Urls_GiveStoresOrSayWhatIsSupported()
    {
        Assert.Contains(_outside.Path, ObjectStores.Open($"file://{_outside.Path}").Description, StringComparison.Ordinal);
        Assert.Contains(_outside.Path, ObjectStores.Open(_outside.Path).Description, StringComparison.Ordinal);
        foreach (var url in new[] { "", " ", "ftp://user:secret@host/x", "file://host/x", "file:///x?y=1" })
        {
            var failure = Assert.Throws<CheckpointerException>(() => ObjectStores.Open(url));
            Assert.Equal(ErrorCode.ConfigurationInvalid, failure.Code);
            Assert.Contains("file:///path", failure.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("secret", failure.Message, StringComparison.Ordinal);
        }
    }

    private static async Task FailsAsync(Func<Task> action, ErrorCode code = ErrorCode.StorageFailed)
    {
        var failure = await Assert.ThrowsAsync<CheckpointerException>(action);
        Assert.Equal((code, false), (failure.Code, failure.IsTransient));
    }
}
