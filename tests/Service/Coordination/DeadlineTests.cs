using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Tests.Driving;
using Checkpointer.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Service.Tests.Coordination;

public sealed class DeadlineTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Deadline_Passes_AbandonsAndNamesTheMissingRank(bool restarted)
    {
        var service = await StartAsync();
        var agents = new FakeAgents(service.Http, service.Store);
        var attempt = await agents.JoinAllAsync("one", Cancel);
        var checkpoint = new CheckpointId(new Step(1), attempt);
        _ = await agents.ReportShardAsync(await agents.StoreAsync(checkpoint, 0, Cancel), Cancel);
        if (restarted)
        {
            await service.DisposeAsync();
            service = await StartAsync();
        }

        await using (service)
        {
            _time.Advance(TimeSpan.FromSeconds(59));
            Assert.Equal(CheckpointState.Saving, (await LookAsync(service, checkpoint)).State);

            var ended = await Eventually.GetAsync(
                () =>
                {
                    // Again and again: the worker may not have set its timer yet when the clock is moved.
                    _time.Advance(TimeSpan.FromSeconds(1));
                    return LookAsync(service, checkpoint);
                },
                summary => summary.State == CheckpointState.Abandoned,
                Cancel);

            Assert.Equal([new Rank(1)], ended.MissingRanks);
            var incidents = await service.GetAsync("v1/runs/demo/incidents", ContractsJsonContext.Default.PageIncident, Cancel);
            Assert.Equal(IncidentKind.CheckpointAbandoned, Assert.Single(incidents.Items).Kind);
        }
    }

    [Fact]
    public async Task Deadline_PassedWhileTheServiceWasAway_LeavesAgentsTimeToReport()
    {
        var service = await StartAsync();
        var agents = new FakeAgents(service.Http, service.Store);
        var checkpoint = new CheckpointId(new Step(1), await agents.JoinAllAsync("one", Cancel));
        _ = await agents.ReportShardAsync(await agents.StoreAsync(checkpoint, 0, Cancel), Cancel);
        var queued = await agents.StoreAsync(checkpoint, 1, Cancel);
        await service.DisposeAsync();

        _time.Advance(TimeSpan.FromMinutes(2));
        service = await StartAsync();
        await using (service)
        {
            // What would abandon it looks at once, and again whenever the clock moves.
            _time.Advance(TimeSpan.FromSeconds(10));
            Assert.Equal(CheckpointState.Saving, (await LookAsync(service, checkpoint)).State);
            _ = await new FakeAgents(service.Http, service.Store).ReportShardAsync(queued, Cancel);
            _ = await Eventually.GetAsync(
                () => LookAsync(service, checkpoint), summary => summary.State == CheckpointState.Committed, Cancel);
        }
    }

    private static Task<CheckpointSummary> LookAsync(RunningService service, CheckpointId checkpoint) =>
        service.GetAsync($"v1/runs/demo/checkpoints/{checkpoint}", ContractsJsonContext.Default.CheckpointSummary, Cancel);

    private Task<RunningService> StartAsync() => RunningService.StartAsync(
        _folder.Path, options => options with { CheckpointDeadline = TimeSpan.FromMinutes(1) }, timeProvider: _time);
}
