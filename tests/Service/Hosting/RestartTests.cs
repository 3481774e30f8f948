using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Hosting;
using Checkpointer.Service.Tests.Driving;
using Checkpointer.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace Checkpointer.Service.Tests.Hosting;

public sealed class RestartTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Start_OnEarlierData_KnowsEverything(bool withSnapshot)
    {
        RunSummary before;
        await using (var service = await RunningService.StartAsync(_folder.Path))
        {
            var agents = new FakeAgents(service.Http, service.Store);
            var attempt = await agents.JoinAllAsync("one", Cancel);
            for (var step = 1; step <= 5; step++)
            {
                _ = await agents.ReportStepAsync(attempt, step, Cancel);
                _ = await agents.SaveAsync(attempt, step, Cancel);
                if (withSnapshot && step == 3)
                {
                    await service.Services.GetRequiredService<RunHost>().SaveSnapshotAsync(Cancel);
                }
            }

            before = await Eventually.GetAsync(() => RunAsync(service), run => run.CommittedCheckpoints == 5, Cancel);
        }

        await using var again = await RunningService.StartAsync(_folder.Path);

        // What agents hold is theirs to say: they have not spoken yet.
        Assert.Equal(before with { RecoverableFromMemory = null }, await RunAsync(again));
        Assert.Equal(withSnapshot, again.Services.GetRequiredService<RunHost>().EntriesSinceSnapshot < 20);
        var next = await new FakeAgents(again.Http, again.Store).JoinAllAsync("two", Cancel);
        Assert.Equal(new Attempt(2), next);
    }

    [Fact]
    public async Task Start_SnapshotWorker_BoundsTheReplay()
    {
        await using (var service = await RunningService.StartAsync(_folder.Path, options => options with { SnapshotEveryEntries = 100 }))
        {
            var agents = new FakeAgents(service.Http, service.Store);
            var attempt = await agents.JoinAllAsync("one", Cancel);
            for (var step = 1; step <= 150; step++)
            {
                _ = await agents.ReportStepAsync(attempt, step, Cancel);
            }

            var host = service.Services.GetRequiredService<RunHost>();
            _ = await Eventually.GetAsync(() => Task.FromResult(host.EntriesSinceSnapshot), entries => entries < 100, Cancel);
        }

        await using var again = await RunningService.StartAsync(_folder.Path);
        Assert.InRange(again.Services.GetRequiredService<RunHost>().EntriesSinceSnapshot, 0, 99);
        Assert.Equal(new Step(150), (await RunAsync(again)).LedgerStep);
    }

    [Fact]
    public async Task Start_JournalLostItsMark_IsRefused()
    {
        await using (var service = await RunningService.StartAsync(_folder.Path))
        {
            _ = await new FakeAgents(service.Http, service.Store).JoinAllAsync("one", Cancel);
        }

        File.Delete(Path.Combine(RunningService.DataPath(_folder.Path), "journal", "mark"));

        var refused = await Assert.ThrowsAnyAsync<CheckpointerException>(() => RunningService.StartAsync(_folder.Path));
        Assert.Equal(ErrorCode.JournalLost, refused.Code);
    }

    [Fact]
    public async Task Start_SecondOnTheSameData_IsRefused()
    {
        await using var service = await RunningService.StartAsync(_folder.Path);

        var refused = await Assert.ThrowsAsync<CheckpointerException>(() => RunningService.StartAsync(_folder.Path));
        Assert.Equal(ErrorCode.ServiceUnavailable, refused.Code);
    }

    [Fact]
    public async Task Stop_EndsHeldJoinsWithAnAnswer()
    {
        var service = await RunningService.StartAsync(_folder.Path);
        var agents = new FakeAgents(service.Http, service.Store);
        var held = agents.JoinAsync("one", 0, 30_000, Cancel);
        _ = await Eventually.GetAsync(() => agents.JoinAsync("one", 0, 0, Cancel), result => result.JoinedRanks == 1, Cancel);

        await service.Services.GetRequiredService<Microsoft.Extensions.Hosting.IHost>().StopAsync(Cancel);

        Assert.Equal(JoinState.Pending, (await held).State);
        await service.DisposeAsync();
    }

    [Theory]
    [InlineData("DataPath")]
    [InlineData("Store")]
    [InlineData("Listen")]
    [InlineData("CheckpointDeadline")]
    [InlineData("AgentTimeout")]
    [InlineData("CommitTimeout")]
    [InlineData("CommitPatience")]
    [InlineData("CommitRetryDelay")]
    [InlineData("MaxParallelCommits")]
    [InlineData("ScrubInterval")]
    [InlineData("ScrubBytesPerSecond")]
    [InlineData("SnapshotEveryEntries")]
    public void Build_OptionThatMakesNoSense_IsNamed(string name)
    {
        var options = RunningService.Options(_folder.Path);
        var wrong = name switch
        {
            "DataPath" => options with { DataPath = " " },
            "Store" => options with { Store = new() { Url = "" } },
            "Listen" => options with { Listen = new Uri("ftp://127.0.0.1") },
            "CheckpointDeadline" => options with { CheckpointDeadline = TimeSpan.Zero },
            "AgentTimeout" => options with { AgentTimeout = TimeSpan.FromDays(1) },
            "CommitTimeout" => options with { CommitTimeout = TimeSpan.FromMilliseconds(1) },
            "CommitPatience" => options with { CommitPatience = TimeSpan.FromMinutes(6) },
            "CommitRetryDelay" => options with { CommitRetryDelay = TimeSpan.Zero },
            "ScrubInterval" => options with { ScrubInterval = TimeSpan.FromMilliseconds(1) },
            "ScrubBytesPerSecond" => options with { ScrubBytesPerSecond = 1 },
            "MaxParallelCommits" => options with { MaxParallelCommits = 65 },
            _ => options with { SnapshotEveryEntries = 99 },
        };

        var refused = Assert.Throws<CheckpointerException>(() => ServiceHost.Build(wrong));
        Assert.Equal(ErrorCode.ConfigurationInvalid, refused.Code);
        Assert.Contains(name, refused.Message, StringComparison.Ordinal);
    }

    private static Task<RunSummary> RunAsync(RunningService service) =>
        service.GetAsync("v1/runs/demo", ContractsJsonContext.Default.RunSummary, Cancel);
}
