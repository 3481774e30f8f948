using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Detection;

namespace Checkpointer.Service.Tests.Detection;

public sealed class FailureDetectorTests : IAsyncLifetime
{
    private readonly DetectorWorld _world = new();
    private Attempt _attempt;

    public async ValueTask InitializeAsync() => _attempt = await _world.StartAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task Agent_ThatIsSilentAndRefuses_IsLostAtATenthOfTheTimeout_Once()
    {
        _world.Beat(0, _attempt);
        _world.Beat(1, _attempt, card: "cuda:1");
        await _world.PassAsync(1);
        Assert.Empty(_world.Probed);
        for (var i = 0; i < 60; i++)
        {
            _world.Beat(0, _attempt);
            await _world.PassAsync(0.5);
        }

        Assert.Equal(["n1"], _world.Probed.Distinct());
        var lost = Assert.Single(await _world.IncidentsAsync());
        Assert.Equal((IncidentKind.AgentLost, "n1", "cuda:1", _attempt), (lost.Kind, lost.Node, lost.Card, lost.Attempt));
        Assert.Equal([new Rank(1)], lost.Ranks);
        Assert.Contains("no heartbeat for 1.5 s, and http://n1:7071 refuses connections", lost.Evidence, StringComparison.Ordinal);
        Assert.Equal(["AgentLost"], _world.Detections);
    }

    [Fact]
    public async Task Node_ThatAnswersNothingAtAll_IsLostAtTheTimeout_AndNotBefore()
    {
        _world.Answers["n1"] = ProbeResult.Silent;
        _world.Beat(1, _attempt);
        await _world.PassAsync(14.5);
        Assert.NotEmpty(_world.Probed);
        Assert.Empty(await _world.IncidentsAsync());

        await _world.PassAsync(60);
        var lost = Assert.Single(await _world.IncidentsAsync());
        Assert.Equal((IncidentKind.NodeLost, "n1"), (lost.Kind, lost.Node));
        Assert.Contains("no heartbeat for 15.0 s, and http://n1:7071 does not answer.", lost.Evidence, StringComparison.Ordinal);
        Assert.StartsWith("Node n1 does not answer any more; it had rank 1 in training", lost.Message, StringComparison.Ordinal);
        Assert.Equal(["NodeLost"], _world.Detections);
    }

    [Fact]
    public async Task Agent_ThatAnswers_IsCutOffAndNoIncident()
    {
        _world.Answers["n1"] = ProbeResult.Answers;
        _world.Beat(1, _attempt);
        await _world.PassAsync(60);
        Assert.Empty(await _world.IncidentsAsync());
        Assert.Equal(["AgentCutOff"], _world.Detections);
        Assert.InRange(_world.Probed.Count, 1, 30);
    }

    [Fact]
    public async Task Agent_ThatComesBackAndGoesAgain_IsLostAgain()
    {
        for (var i = 0; i < 2; i++)
        {
            _world.Beat(1, _attempt);
            await _world.PassAsync(5);
        }

        Assert.Equal([IncidentKind.AgentLost, IncidentKind.AgentLost], (await _world.IncidentsAsync()).Select(incident => incident.Kind));
    }

    [Fact]
    public async Task Agent_ThatWasHeardInTime_IsNotEvenAsked()
    {
        for (var i = 0; i < 60; i++)
        {
            _world.Beat(1, _attempt);
            await _world.PassAsync(1);
        }

        Assert.Empty(_world.Probed);
        Assert.Empty(_world.Detections);
    }

    [Fact]
    public async Task Agent_OfARunThatIsUnknown_IsNoNewsOfAnother()
    {
        _world.Beat(1, _attempt, run: RunId.Parse("unknown"));
        await _world.PassAsync(5);
        _world.Beat(0, _attempt);
        await _world.PassAsync(5);
        Assert.Equal("n0", Assert.Single(await _world.IncidentsAsync()).Node);
    }

    [Fact]
    public async Task Run_ThatHangs_IsToldOnceForEachStep_WithWhoIsSilent()
    {
        await TrainAsync(1, 6);
        for (var i = 0; i < 60; i++)
        {
            Beat(6, silentMs: 500 * i);
            await _world.PassAsync(0.5);
        }

        var hung = Assert.Single(await _world.IncidentsAsync());
        Assert.Equal((IncidentKind.RankHung, "n1", "cuda:1", new Step(6)), (hung.Kind, hung.Node, hung.Card, hung.Step));
        Assert.Equal([new Rank(1)], hung.Ranks);
        Assert.Equal(["RankHung"], _world.Detections);

        await TrainAsync(7, 7);
        // Five times that pause: it has been seen by now.
        for (var i = 0; i < 340; i++)
        {
            Beat(7, silentMs: 0);
            await _world.PassAsync(0.5);
        }

        Assert.Equal([new Step(6), new Step(7)], (await _world.IncidentsAsync()).Select(incident => incident.Step!.Value));
    }

    [Fact]
    public async Task Run_WhoseRanksAreAllOfAnotherAttempt_IsNotJudgedByThem()
    {
        await TrainAsync(1, 6);
        var next = await _world.StartAsync("two");
        Assert.NotEqual(_attempt, next);
        for (var i = 0; i < 120; i++)
        {
            Beat(6, silentMs: 0);
            await _world.PassAsync(0.5);
        }

        Assert.Empty(await _world.IncidentsAsync());
    }

    private async Task TrainAsync(long first, long last)
    {
        for (var step = first; step <= last; step++)
        {
            Beat(step, silentMs: 0);
            await _world.ReportAsync(_attempt, step);
            await _world.PassAsync(0.5);
        }
    }

    // Rank 1 is the one that may be silent.
    private void Beat(long step, double silentMs)
    {
        _world.Beat(0, _attempt, step);
        _world.Beat(1, _attempt, step, silentMs, "cuda:1");
    }
}
