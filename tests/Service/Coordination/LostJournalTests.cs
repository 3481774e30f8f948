using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Tests.Driving;
using Checkpointer.Storage;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Faults;

namespace Checkpointer.Service.Tests.Coordination;

/// <summary>A service on a journal that is not the one that the store's runs were kept in never lets them start over.</summary>
public sealed class LostJournalTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string DataPath => RunningService.DataPath(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Join_JournalWasDeleted_IsRefused_OtherRunsStart()
    {
        await RunAsync("one");
        Directory.Delete(DataPath, recursive: true);

        await using var service = await RunningService.StartAsync(_folder.Path);
        var refused = await RefusedAsync(new FakeAgents(service.Http, service.Store));

        Assert.Equal((ErrorCode.JournalLost, false), (refused.Code, refused.IsTransient));
        Assert.Contains("'demo'", refused.Message, StringComparison.Ordinal);
        Assert.Contains("attempts/000001.json", refused.Message, StringComparison.Ordinal);
        Assert.Contains(DataPath, refused.Message, StringComparison.Ordinal);
        var other = new FakeAgents(service.Http, service.Store, run: "demo-2");
        Assert.Equal(new Attempt(1), await other.JoinAllAsync("one", Cancel));
    }

    [Fact]
    public async Task Join_OnlyAnIndexIsThere_IsRefused()
    {
        await using var service = await RunningService.StartAsync(_folder.Path);
        var agents = new FakeAgents(service.Http, service.Store);
        var index = RepositoryKeys.Index(agents.Run, new CheckpointId(new Step(7), new Attempt(3)), new Rank(0));
        await service.Store.PutAsync(index, new ObjectContent(new byte[] { 1 }), Cancel);

        var refused = await RefusedAsync(agents);

        Assert.Equal(ErrorCode.JournalLost, refused.Code);
        Assert.Contains(index.Value, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Join_JournalIsAnOlderCopy_IsRefused()
    {
        await RunAsync("one");
        var copy = _folder.File("copy");
        Copy(DataPath, copy);
        await RunAsync("two");
        Directory.Delete(DataPath, recursive: true);
        Copy(copy, DataPath);

        await using var service = await RunningService.StartAsync(_folder.Path);
        var refused = await RefusedAsync(new FakeAgents(service.Http, service.Store));

        Assert.Equal(ErrorCode.JournalLost, refused.Code);
        Assert.Contains("attempts/000002.json", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(StoreFault.FailBefore)]
    [InlineData(StoreFault.Hang)]
    public async Task Join_NewRun_StoreIsOut_IsTransient_ThenGoesOn(StoreFault fault)
    {
        var isOut = true;
        await using var service = await RunningService.StartAsync(
            _folder.Path,
            decorate: store => new FaultInjectingObjectStore(store, (_, _) => isOut ? fault : StoreFault.None, TimeProvider.System));
        var agents = new FakeAgents(service.Http, service.Store);

        var refused = await RefusedAsync(agents);

        Assert.Equal((ErrorCode.StorageUnavailable, true), (refused.Code, refused.IsTransient));
        isOut = false;
        Assert.Equal(new Attempt(1), await agents.JoinAllAsync("one", Cancel));
    }

    [Fact]
    public async Task Join_KnownRun_GoesOnWithoutTheStore()
    {
        await RunAsync("one");
        await using var service = await RunningService.StartAsync(
            _folder.Path,
            decorate: store => new FaultInjectingObjectStore(store, (_, _) => StoreFault.FailBefore, TimeProvider.System));

        Assert.Equal(new Attempt(2), await new FakeAgents(service.Http, service.Store).JoinAllAsync("two", Cancel));
    }

    private static Task<CheckpointerException> RefusedAsync(FakeAgents agents) =>
        Assert.ThrowsAnyAsync<CheckpointerException>(() => agents.JoinAsync("again", 0, 0, Cancel));

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            _ = Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    /// <summary>Has the run granted once more, and its record stored.</summary>
    private async Task RunAsync(string incarnation)
    {
        await using var service = await RunningService.StartAsync(_folder.Path);
        var agents = new FakeAgents(service.Http, service.Store);
        var attempt = await agents.JoinAllAsync(incarnation, Cancel);
        _ = await Eventually.GetAsync(
            () => service.Store.HeadAsync(RepositoryKeys.AttemptRecord(agents.Run, attempt), Cancel), info => info is not null, Cancel);
    }
}
