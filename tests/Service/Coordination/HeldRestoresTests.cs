using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Tests.Driving;
using Checkpointer.Service.Tests.Runs;
using Checkpointer.TestKit;

namespace Checkpointer.Service.Tests.Coordination;

/// <summary>Restore reports over HTTP: held until all ranks have restored, or another plan is there.</summary>
public sealed class HeldRestoresTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private RunningService _service = null!;
    private FakeAgents _agents = null!;
    private RecoveryPlan _plan = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _service = await RunningService.StartAsync(_folder.Path);
        _agents = new FakeAgents(_service.Http, _service.Store);
        var first = await _agents.JoinAllAsync("one", Cancel);
        for (var step = 1; step <= 2; step++)
        {
            var saved = await _agents.SaveAsync(first, step, Cancel);
            _ = await Eventually.GetAsync(
                () => _service.GetAsync($"v1/runs/demo/checkpoints/{saved}", ContractsJsonContext.Default.CheckpointSummary, Cancel),
                summary => summary.State == CheckpointState.Committed,
                Cancel);
        }

        _plan = await JoinAsync("two");
    }

    public async ValueTask DisposeAsync()
    {
        await _service.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task HeldReport_IsAnsweredWhenTheLastRankHasRestored()
    {
        var held = ReportAsync(0, _plan, waitMs: 20_000);
        Assert.Equal(RestoreState.Pending, (await ReportAsync(0, _plan, waitMs: 0)).State);
        Assert.Equal(RestoreState.Confirmed, (await ReportAsync(1, _plan, waitMs: 0)).State);
        Assert.Equal(RestoreState.Confirmed, (await held).State);
    }

    [Fact]
    public async Task HeldReport_IsAnsweredWithTheOtherPlan()
    {
        var held = ReportAsync(0, _plan, waitMs: 20_000);
        var answer = await ReportAsync(1, _plan, waitMs: 0, succeeded: false);

        Assert.Equal((RestoreState.Replaced, 2), (answer.State, answer.Plan!.Number));
        Assert.Equal(new Step(1), answer.Plan.ResumeFrom!.Value.Step);
        Assert.Equal((RestoreState.Replaced, 2), ((await held).State, (await held).Plan!.Number));
        var progress = await _service.GetAsync("v1/runs/demo/progress", ContractsJsonContext.Default.RunProgress, Cancel);
        Assert.Equal((2, answer.Plan.ResumeFrom), (progress.Plan, progress.ResumedFrom));
    }

    [Fact]
    public async Task HeldReport_EndsWithANewerGrant()
    {
        var held = ReportAsync(0, _plan, waitMs: 20_000);
        _ = await JoinAsync("three");
        Assert.Equal(ErrorCode.StaleAttempt, (await Assert.ThrowsAsync<CheckpointerException>(() => held)).Code);
    }

    [Fact]
    public async Task Record_OfAnAttempt_WaitsForWhatItResumedFrom()
    {
        _ = await ReportAsync(1, _plan, waitMs: 0, succeeded: false);
        var attempts = await _service.GetAsync("v1/runs/demo/attempts", ContractsJsonContext.Default.PageAttemptSummary, Cancel);
        Assert.Equal(new Step(1), attempts.Items[1].ResumedFrom!.Value.Step);
        Assert.DoesNotContain(Records(), path => path.EndsWith("000002.json", StringComparison.Ordinal));
        var plan = await RejoinAsync();
        _ = await ReportAsync(0, plan, waitMs: 0);
        _ = await ReportAsync(1, plan, waitMs: 0);

        var record = await Eventually.GetAsync(
            () => Task.FromResult(Array.Find(Records(), path => path.EndsWith("000002.json", StringComparison.Ordinal))),
            path => path is not null,
            Cancel);
        Assert.Contains("\"resumed_from\":{\"step\":1,\"attempt\":1}", await File.ReadAllTextAsync(record!, Cancel), StringComparison.Ordinal);
    }

    private string[] Records() => Directory.GetFiles(_folder.Path, "*.json", SearchOption.AllDirectories)
        .Where(path => path.Contains("/attempts/", StringComparison.Ordinal)).ToArray();

    private async Task<RecoveryPlan> JoinAsync(string incarnation)
    {
        var joins = await Task.WhenAll(
            _agents.JoinAsync(incarnation, 0, 20_000, Cancel), _agents.JoinAsync(incarnation, 1, 20_000, Cancel));
        return joins[0].Plan!;
    }

    private async Task<RecoveryPlan> RejoinAsync() => (await _agents.JoinAsync("two", 0, 0, Cancel)).Plan!;

    private Task<RestoreResult> ReportAsync(int rank, RecoveryPlan plan, int waitMs, bool succeeded = true) => _agents.PostAsync(
        "restores",
        new RestoreReport
        {
            Attempt = new Attempt(2),
            Rank = new Rank(rank),
            Node = $"node-{rank}",
            Checkpoint = plan.ResumeFrom!.Value,
            Plan = plan.Number,
            Succeeded = succeeded,
            NoSourceLeft = succeeded ? null : true,
            WaitMs = waitMs,
            LocalMemoryBytes = 0,
            PeerMemoryBytes = 0,
            StorageBytes = 10,
            RestoreMs = 1,
            Faults = succeeded ? [] : [RunDriver.Fault("no copy", CopyFaultKind.Missing)],
        },
        ContractsJsonContext.Default.RestoreReport,
        ContractsJsonContext.Default.RestoreResult,
        Cancel);
}
