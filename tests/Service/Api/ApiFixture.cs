using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Tests.Driving;
using Checkpointer.TestKit;

namespace Checkpointer.Service.Tests.Api;

/// <summary>A service with one run that has an attempt, a step and a committed checkpoint.</summary>
public sealed class ApiFixture : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    internal RunningService Service { get; private set; } = null!;

    internal FakeAgents Agents { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Service = await RunningService.StartAsync(_folder.Path);
        Agents = new FakeAgents(Service.Http, Service.Store);
        var attempt = await Agents.JoinAllAsync("one", CancellationToken.None);
        _ = await Agents.ReportStepAsync(attempt, 1, CancellationToken.None);
        var checkpoint = await Agents.SaveAsync(attempt, 1, CancellationToken.None);
        _ = await Eventually.GetAsync(
            () => Service.GetAsync(
                $"v1/runs/demo/checkpoints/{checkpoint}", ContractsJsonContext.Default.CheckpointSummary, CancellationToken.None),
            summary => summary.State == CheckpointState.Committed,
            CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await Service.DisposeAsync();
        _folder.Dispose();
    }
}
