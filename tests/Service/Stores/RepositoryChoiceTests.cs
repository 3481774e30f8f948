using Checkpointer.Contracts;
using Checkpointer.Contracts.Problems;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Journal;
using Checkpointer.Service.Stores;
using Checkpointer.Service.Tests.Driving;
using Checkpointer.Storage;
using Checkpointer.Storage.Repository;
using Checkpointer.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Service.Tests.Stores;

public sealed class RepositoryChoiceTests : IDisposable
{
    private static readonly ContractsJsonContext Json = ContractsJsonContext.Default;
    private static readonly RepositoryIdentity Another = new() { Id = new string('a', RepositoryIdentity.IdLength) };

    private static readonly CheckpointId Second = new(new Step(2), new Attempt(2));

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string StorePath => RunningService.StorePath(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task OtherStore_UnderAJournalWithCheckpoints_IsRefused_AndTrainingGoesOn(bool hasRepository, bool fromSnapshot)
    {
        string ours;
        await using (var service = await RunningService.StartAsync(_folder.Path))
        {
            ours = await CommitAsync(service);
            if (fromSnapshot)
            {
                await service.Services.GetRequiredService<RunHost>().SaveSnapshotAsync(Cancel);
            }
        }

        Directory.Move(StorePath, _folder.File("ours"));
        await using (var service = await RunningService.StartAsync(_folder.Path, decorate: store => Seeded(store, hasRepository)))
        {
            var problem = await NotReadyAsync(service);
            Assert.Contains(ours, problem, StringComparison.Ordinal);
            Assert.Contains(hasRepository ? Another.Id : "no repository", problem, StringComparison.Ordinal);
            Assert.Contains("Start the service with the store that has them", problem, StringComparison.Ordinal);

            var agents = new FakeAgents(service.Http, service.Store);
            var attempt = await agents.JoinAllAsync("two", Cancel);
            var checkpoint = await agents.SaveAsync(attempt, 2, Cancel);
            var summary = await service.GetAsync($"v1/runs/demo/checkpoints/{checkpoint}", Json.CheckpointSummary, Cancel);
            Assert.Equal(CheckpointState.Committing, summary.State);
            Assert.Null(await service.Store.HeadAsync(RepositoryKeys.Manifest(agents.Run, checkpoint), Cancel));
            Assert.Equal(hasRepository ? Another : null, await RepositoryIdentity.FindAsync(service.Store, Cancel));
        }

        Directory.Delete(StorePath, recursive: true);
        Directory.Move(_folder.File("ours"), StorePath);
        await using var again = await RunningService.StartAsync(_folder.Path);
        Assert.Equal(ours, (await again.GetAsync("healthz/ready", Json.Readiness, Cancel)).Store.Repository);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task JournalOlderThanTheChoice_IsBoundToTheStoreThatHasItsNewestCheckpoint(bool another)
    {
        await using (var service = await RunningService.StartAsync(_folder.Path))
        {
            _ = await CommitAsync(service);
            _ = await CommitAsync(service, "two", step: 2);
        }

        await ForgetChoiceAsync();
        File.Delete(Path.Combine(StorePath, RepositoryKeys.Identity.Value));
        if (another)
        {
            File.Delete(Path.Combine(StorePath, RepositoryKeys.Manifest(RunId.Parse("demo"), Second).Value));
        }

        await using var again = await RunningService.StartAsync(_folder.Path);
        var bound = again.Services.GetRequiredService<RunHost>().BoundRepository;
        var identity = await RepositoryIdentity.FindAsync(again.Store, Cancel);
        if (another)
        {
            var problem = await NotReadyAsync(again);
            Assert.Contains(RepositoryKeys.Manifest(RunId.Parse("demo"), Second).Value, problem, StringComparison.Ordinal);
            Assert.Contains("Start the service with the store that has them", problem, StringComparison.Ordinal);
            Assert.Null(bound);
            Assert.Null(identity);
        }
        else
        {
            Assert.Empty(await NotReadyAsync(again));
            Assert.Equal(identity!.Id, bound!.Repository);
        }
    }

    [Fact]
    public async Task OtherStore_WithoutCommittedCheckpoints_IsTaken_AndKept()
    {
        await using (var service = await RunningService.StartAsync(_folder.Path))
        {
            _ = await new FakeAgents(service.Http, service.Store).JoinAllAsync("one", Cancel);
        }

        Directory.Delete(StorePath, recursive: true);
        string second;
        await using (var service = await RunningService.StartAsync(_folder.Path))
        {
            second = await CommitAsync(service, "two");
        }

        await using var again = await RunningService.StartAsync(_folder.Path);
        Assert.Equal(second, again.Services.GetRequiredService<RunHost>().BoundRepository!.Repository);
        Assert.Equal(second, (await again.GetAsync("healthz/ready", Json.Readiness, Cancel)).Store.Repository);
    }

    [Fact]
    public async Task OtherStore_ThatTurnsUpWhileRunning_ShutsTheGate_UntilOursIsBack()
    {
        await using var service = await RunningService.StartAsync(_folder.Path);
        var ours = await CommitAsync(service);
        Directory.Move(StorePath, _folder.File("ours"));
        _ = Seeded(ObjectStores.Open(StorePath), hasRepository: true);

        var problem = await Eventually.GetAsync(
            () => NotReadyAsync(service), found => found.Contains(Another.Id, StringComparison.Ordinal), Cancel);
        Assert.Contains(ours, problem, StringComparison.Ordinal);

        Directory.Move(StorePath, _folder.File("other"));
        Directory.Move(_folder.File("ours"), StorePath);
        _ = await Eventually.GetAsync(() => NotReadyAsync(service), found => found.Length == 0, Cancel);
        _ = await CommitAsync(service, "two", step: 2);
    }

    /// <summary>The journal as it was kept before it recorded the repository.</summary>
    private async Task ForgetChoiceAsync()
    {
        var folder = Path.Combine(RunningService.DataPath(_folder.Path), "journal");
        var entries = new List<JournalEntry>();
        await using (var journal = await OpenAsync(folder))
        {
            await foreach (var entry in journal.ReplayAsync(0, Cancel))
            {
                entries.Add(entry with { Payload = entry.Payload.ToArray() });
            }
        }

        Assert.Single(entries, entry => entry.Type == RepositoryChoiceCodec.JournalType);
        Directory.Delete(folder, recursive: true);
        await using var older = await OpenAsync(folder);
        foreach (var entry in entries.Where(entry => entry.Type != RepositoryChoiceCodec.JournalType))
        {
            _ = older.Append(entry.Type, entry.Version, entry.Payload.Span);
        }

        await older.WaitUntilDurableAsync(older.LastSequence, Cancel);
    }

    private static Task<FasterLogJournal> OpenAsync(string folder) => FasterLogJournal.OpenAsync(
        new FasterLogJournalOptions { Folder = folder }, NullLogger<FasterLogJournal>.Instance, Cancel);

    private static IObjectStore Seeded(IObjectStore store, bool hasRepository)
    {
        if (hasRepository)
        {
            store.PutAsync(RepositoryKeys.Identity, new ObjectContent(Another.Encode()), Cancel).GetAwaiter().GetResult();
        }

        return store;
    }

    private static async Task<string> CommitAsync(RunningService service, string incarnation = "one", int step = 1)
    {
        var agents = new FakeAgents(service.Http, service.Store);
        var checkpoint = await agents.SaveAsync(await agents.JoinAllAsync(incarnation, Cancel), step, Cancel);
        _ = await Eventually.GetAsync(
            () => service.GetAsync($"v1/runs/demo/checkpoints/{checkpoint}", Json.CheckpointSummary, Cancel),
            summary => summary.State == CheckpointState.Committed,
            Cancel);
        return (await service.GetAsync("v1/store", Json.StoreStatus, Cancel)).Repository!;
    }

    /// <summary>Why the service is not ready; empty if it is.</summary>
    private static async Task<string> NotReadyAsync(RunningService service)
    {
        using var response = await service.Http.GetAsync("healthz/ready", Cancel);
        return response.IsSuccessStatusCode ? "" : (await ProblemReader.ReadAsync(response, Cancel)).Message;
    }
}
