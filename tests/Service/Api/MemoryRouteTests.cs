using System.Net.Http.Json;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Problems;
using Checkpointer.Contracts.Replicas;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Tests.Driving;
using Checkpointer.TestKit;

namespace Checkpointer.Service.Tests.Api;

public sealed class MemoryRouteTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task CopiesThatAreReported_MakeAStepProtected_AndShow()
    {
        using var folder = new TemporaryFolder();
        await using var service = await RunningService.StartAsync(folder.Path);
        var agents = new FakeAgents(service.Http, service.Store);
        var joins = await Task.WhenAll(
            agents.JoinAsync("one", 0, 20_000, Cancel), agents.JoinAsync("one", 1, 20_000, Cancel));
        Assert.Equal(["node-1", "node-0"], joins.Select(join => join.Peer?.Node));
        var attempt = joins[0].Attempt!.Value;
        await agents.SealAsync(attempt, 3, 0, Cancel);
        await agents.SealAsync(attempt, 3, 1, Cancel);
        var step = new CheckpointId(new Step(3), attempt);

        await CopyAsync(service, agents, step, 0, "node-1");
        Assert.Null((await ProgressAsync(service, "node-0")).Protected);
        await CopyAsync(service, agents, step, 1, "node-0");

        var progress = await ProgressAsync(service, "node-0");
        Assert.Equal((step, "node-1", "http://10.0.0.2:7071"), (progress.Protected, progress.Peer?.Node, progress.Peer?.Address));
        Assert.Equal(1, progress.Plan);
        var memory = await service.GetAsync("v1/runs/demo/memory", ContractsJsonContext.Default.MemorySteps, Cancel);
        Assert.Equal((step, step), (memory.RecoverableFromMemory, memory.Protected));
        Assert.Equal([["node-0", "node-1"], ["node-0", "node-1"]], Assert.Single(memory.Steps).Holders);
        var run = await service.GetAsync("v1/runs/demo", ContractsJsonContext.Default.RunSummary, Cancel);
        Assert.Equal((step, step), (run.RecoverableFromMemory, run.Protected));
        var listed = await service.GetAsync("v1/runs", ContractsJsonContext.Default.PageRunSummary, Cancel);
        Assert.Equal(step, Assert.Single(listed.Items).Protected);

        var refused = await Assert.ThrowsAsync<CheckpointerException>(
            () => CopyAsync(service, agents, new CheckpointId(new Step(4), new Attempt(7)), 1, "node-0"));
        Assert.Equal(ErrorCode.StaleAttempt, refused.Code);
    }

    private static Task<Contracts.Agents.RunProgress> ProgressAsync(RunningService service, string node) =>
        service.GetAsync($"v1/runs/demo/progress?node={node}", ContractsJsonContext.Default.RunProgress, Cancel);

    private static async Task CopyAsync(RunningService service, FakeAgents agents, CheckpointId step, int rank, string node)
    {
        var report = new ReplicaReport
        {
            Attempt = step.Attempt,
            Checkpoint = step,
            Rank = new Rank(rank),
            Node = node,
            Image = agents.Image(step.Step.Value, rank),
        };
        using var response = await service.Http.PostAsJsonAsync(
            "v1/runs/demo/replicas", report, ContractsJsonContext.Default.ReplicaReport, Cancel);
        await ProblemReader.EnsureSuccessAsync(response, Cancel);
    }
}
