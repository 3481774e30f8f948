using System.Text;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.Repository;
using Checkpointer.TestKit.Stores;

namespace Checkpointer.Storage.Tests.Repository;

public sealed class RepositoryIdentityTests
{
    private const string Golden = "{\n  \"format\": \"checkpointer.repository\",\n  \"version\": 1,\n  \"id\": \"6f1c0c9a1d4e4b0f9d6c2a7b8e5f3a10\"\n}";

    private readonly MemoryObjectStore _store = new(TimeProvider.System);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void BytesAtRest_AreThoseOfTheSpecification()
    {
        var identity = RepositoryIdentity.Parse(Encoding.UTF8.GetBytes(Golden));

        Assert.Equal("6f1c0c9a1d4e4b0f9d6c2a7b8e5f3a10", identity.Id);
        Assert.Equal(Golden, Encoding.UTF8.GetString(identity.Encode()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"format\":\"checkpointer.repository\",\"version\":1}")]
    [InlineData("{\"format\":\"other\",\"version\":1,\"id\":\"6f1c0c9a1d4e4b0f9d6c2a7b8e5f3a10\"}")]
    [InlineData("{\"format\":\"checkpointer.repository\",\"version\":2,\"id\":\"6f1c0c9a1d4e4b0f9d6c2a7b8e5f3a10\"}")]
    [InlineData("{\"format\":\"checkpointer.repository\",\"version\":1,\"id\":\"6F1C0C9A1D4E4B0F9D6C2A7B8E5F3A10\"}")]
    [InlineData("{\"format\":\"checkpointer.repository\",\"version\":1,\"id\":\"6f1c\"}")]
    [InlineData("{\"format\":\"checkpointer.repository\",\"version\":1,\"id\":null}")]
    [InlineData("{\"format\":\"checkpointer.repository\",\"version\":1,\"id\":\"6f1c0c9a1d4e4b0f9d6c2a7b8e5f3a10\",\"more\":1}")]
    [InlineData("{\"format\":\"checkpointer.repository\",\"version\":1,\"version\":1,\"id\":\"6f1c0c9a1d4e4b0f9d6c2a7b8e5f3a10\"}")]
    public void OtherBytes_AreRefused(string text)
    {
        var refused = Assert.Throws<CheckpointerException>(() => RepositoryIdentity.Parse(Encoding.UTF8.GetBytes(text)));

        Assert.Equal((ErrorCode.StorageFailed, false), (refused.Code, refused.IsTransient));
        Assert.Contains("repository.json", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EnsureAsync_ByManyAtOnce_GivesAllTheSame()
    {
        var all = await Task.WhenAll(Enumerable.Range(0, 16).Select(
            seed => RepositoryIdentity.EnsureAsync(_store, new Random(seed), Cancel)));

        Assert.Single(all.Distinct());
        Assert.Equal(["repository.json"], _store.Keys);
        Assert.Equal(all[0], await RepositoryIdentity.FindAsync(_store, Cancel));
    }

    [Fact]
    public async Task FindAsync_WithoutOne_CreatesNothing()
    {
        Assert.Null(await RepositoryIdentity.FindAsync(_store, Cancel));
        Assert.Empty(_store.Keys);
    }

    [Fact]
    public async Task FindAsync_OfAnotherProgramsObject_IsRefusedUnread()
    {
        await _store.PutAsync(RepositoryKeys.Identity, new ObjectContent(new byte[RepositoryIdentity.MaxBytes + 1]), Cancel);

        var refused = await Assert.ThrowsAsync<CheckpointerException>(() => RepositoryIdentity.FindAsync(_store, Cancel));

        Assert.Equal(ErrorCode.LimitExceeded, refused.Code);
    }
}
