using System.Net.Http.Json;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Problems;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Tests.Driving;
using Checkpointer.Storage;
using Checkpointer.TestKit;

namespace Checkpointer.Service.Tests.Api;

/// <summary>Going back to a checkpoint that only the store still knows in detail.</summary>
public sealed class RollbackRouteTests : IAsyncLifetime
{
    private static readonly ContractsJsonContext Json = ContractsJsonContext.Default;

    private readonly TemporaryFolder _folder = new();
    private RunningService _service = null!;
    private FakeAgents _agents = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _service = await RunningService.StartAsync(_folder.Path);
        _agents = new FakeAgents(_service.Http, _service.Store);
        var attempt = await _agents.JoinAllAsync("one", Cancel);
        for (var step = 1; step <= RunLimits.MaxDetailedCheckpoints + 2; step++)
        {
            var checkpoint = await _agents.SaveAsync(attempt, step, Cancel);
            _ = await Eventually.GetAsync(
                () => _service.GetAsync($"v1/runs/demo/checkpoints/{checkpoint}", Json.CheckpointSummary, Cancel),
                summary => summary.State == CheckpointState.Committed,
                Cancel);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _service.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task OldCheckpoint_IsRecalledFromItsManifest_AlsoAcrossARestart()
    {
        var decided = await RollBackAsync("1");
        Assert.Equal(RunLimits.MaxDetailedCheckpoints + 1, decided.LeavesCount);
        await _service.DisposeAsync();
        _service = await RunningService.StartAsync(_folder.Path);
        _agents = new FakeAgents(_service.Http, _service.Store);

        Assert.Equal(new Attempt(2), await _agents.JoinAllAsync("two", Cancel));
        var plan = (await _agents.JoinAsync("two", 0, 0, Cancel)).Plan!;
        Assert.Equal(decided.Target, plan.ResumeFrom);
        Assert.All(plan.Images, image => Assert.Contains(image.Sources, source => source.Tier == Tier.Storage));
        Assert.Equal(_agents.Image(1, 1).Root, plan.Images[1].Root);
    }

    [Fact]
    public async Task OldCheckpoint_WithoutAManifest_IsRefused_AndNothingIsFenced()
    {
        await _service.Store.DeleteAsync(RepositoryKeys.Manifest(_agents.Run, new CheckpointId(new Step(1), new Attempt(1))), Cancel);
        var error = await Assert.ThrowsAsync<CheckpointerException>(() => RollBackAsync("1"));
        Assert.Equal(ErrorCode.RestoreImpossible, error.Code);
        Assert.False((await _service.GetAsync("v1/runs/demo/progress", Json.RunProgress, Cancel)).Fenced);
    }

    private async Task<Rollback> RollBackAsync(string to)
    {
        using var response = await _service.Http.PostAsJsonAsync(
            "v1/runs/demo/rollbacks", new RequestRollback { To = to, By = "ann" }, Json.RequestRollback, Cancel);
        await ProblemReader.EnsureSuccessAsync(response, Cancel);
        return (await response.Content.ReadFromJsonAsync(Json.Rollback, Cancel))!;
    }
}
