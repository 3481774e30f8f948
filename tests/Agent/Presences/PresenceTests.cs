using System.Globalization;
using Checkpointer.Agent.Presences;
using Checkpointer.Agent.Tests.Nodes;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Tests.Presences;

/// <summary>What an agent makes of its trainers' connections, as the service hears of it.</summary>
public sealed class PresenceTests : IAsyncLifetime
{
    // No process has it: the largest pid is lower.
    private const int GonePid = int.MaxValue;

    private Cluster _cluster = null!;
    private TestNode _node = null!;

    private static string AliveFirst => string.Create(
        CultureInfo.InvariantCulture, $$"""{"attempt":1,"pid":{{Environment.ProcessId}}}""") + "\n";

    public async ValueTask InitializeAsync()
    {
        _cluster = await Cluster.StartAsync();
        _node = await _cluster.StartNodeAsync();
        await Task.WhenAll(Enumerable.Range(0, 2).Select(rank => _node.Trainer(new Rank(rank), 2).JoinAsync("one")));
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Trainer_IsAnsweredAtOnce_AndHeartbeatsTellOfIt()
    {
        using var trainer = await OpenAsync(0, First("\"card\":\"cuda:3\","));
        Assert.StartsWith("HTTP/1.1 200 OK", await trainer.ReadHeadAsync(), StringComparison.Ordinal);
        await trainer.SayAsync("{\"step\":7}\n");
        var activity = await WhenBeatAsync(ranks => ranks is [{ LastStep: not null }]);
        Assert.Equal(
            (new Rank(0), new Attempt(1), "cuda:3", new Step(7)), (activity[0].Rank, activity[0].Attempt, activity[0].Card, activity[0].LastStep));
        await trainer.SayAsync("{\"goodbye\":true}\n");
        _ = await WhenBeatAsync(ranks => ranks is []);
    }

    [Fact]
    public async Task Trainer_ThatBreaksOff_DiedAtItsLastStep()
    {
        using (var trainer = await OpenAsync(1, First("\"card\":\"cuda:3\",\"step\":4,")))
        {
            _ = await trainer.ReadHeadAsync();
            await trainer.SayAsync("{\"step\":5}\n");
            _ = await WhenBeatAsync(ranks => ranks is [{ LastStep.Value: 5 }]);
        }

        var report = await ReportAsync();
        Assert.Equal(
            (FailureKind.Died, new Rank(1), "node-a", "cuda:3", new Attempt(1)), (report.Kind, report.Rank, report.Node, report.Card, report.Attempt));
        Assert.Equal($"process {GonePid} is gone, without a goodbye; its last step was 5.", report.Evidence);
        _ = await WhenBeatAsync(ranks => ranks is []);
    }

    [Fact]
    public async Task Trainer_ThatEndsItsBodyWithoutAGoodbye_Died()
    {
        using var trainer = await OpenAsync(0, "{\"attempt\":1}\n");
        _ = await trainer.ReadHeadAsync();
        await trainer.EndAsync();
        Assert.Equal("its connection broke off without a goodbye; it had completed no step.", (await ReportAsync()).Evidence);
    }

    [Fact]
    public async Task Trainer_ThatSaysGoodbye_IsNoFailure_AndOneThatRaisesIs()
    {
        using var first = await OpenAsync(0, First());
        _ = await first.ReadHeadAsync();
        await first.SayAsync("{\"goodbye\":true}\n");
        using var second = await OpenAsync(1, First());
        _ = await second.ReadHeadAsync();
        await second.SayAsync("{\"goodbye\":true,\"error\":\"ValueError: bad\"}\n");

        var report = await ReportAsync();
        Assert.Equal((FailureKind.Raised, new Rank(1)), (report.Kind, report.Rank));
        Assert.Equal("it ends with ValueError: bad; it had completed no step.", report.Evidence);
        Assert.Single(_cluster.Service.Taken.OfType<FailureReport>());
    }

    [Fact]
    public async Task Goodbye_WithTheLongestError_IsStillAReportThatTheServiceTakes()
    {
        using var trainer = await OpenAsync(0, First("\"step\":123456789,"));
        _ = await trainer.ReadHeadAsync();
        await trainer.SayAsync($$"""{"goodbye":true,"error":"{{new string('e', PresenceReader.MaxErrorLength)}}"}""" + "\n");
        var report = await ReportAsync();
        Assert.Equal(FailureReport.MaxEvidenceLength, report.Evidence.Length);
        Assert.EndsWith("eee; its last step was 123456789.", report.Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARankThatDied_IsToldBeforeOneThatRaisedOfIt()
    {
        using var raises = await OpenAsync(0, First());
        using var dies = await OpenAsync(1, First());
        _ = await raises.ReadHeadAsync();
        _ = await dies.ReadHeadAsync();
        await raises.SayAsync("{\"goodbye\":true,\"error\":\"broken\"}\n");
        _ = await WhenBeatAsync(ranks => ranks is [{ Rank.Value: 1 }]);
        dies.Dispose();
        await Waiting.UntilAsync(() => _cluster.Service.Taken.OfType<FailureReport>().Count() == 2, () => "not both are told");
        Assert.Equal([1, 0], _cluster.Service.Taken.OfType<FailureReport>().Select(report => report.Rank.Value));
    }

    [Fact]
    public async Task Trainer_ThatComesBack_NeverDied_AndTheOldConnectionIsNobodys()
    {
        using var first = await OpenAsync(0, AliveFirst);
        _ = await first.ReadHeadAsync();
        first.Dispose();
        using var second = await OpenAsync(0, AliveFirst);
        _ = await second.ReadHeadAsync();

        // The one that a newer one has taken the place of may end as it likes.
        using var third = await OpenAsync(0, First("\"step\":9,"));
        _ = await third.ReadHeadAsync();
        second.Dispose();
        third.Dispose();
        Assert.Contains("its last step was 9", (await ReportAsync()).Evidence, StringComparison.Ordinal);
        Assert.Single(_cluster.Service.Taken.OfType<FailureReport>());
    }

    [Fact]
    public async Task Agent_ThatStops_ReportsNobody()
    {
        using var trainer = await OpenAsync(0, First());
        _ = await trainer.ReadHeadAsync();
        await _cluster.StopNodeAsync(_node);
        Assert.True(await trainer.EndsAsync());
        Assert.Empty(_cluster.Service.Taken.OfType<FailureReport>());
    }

    [Fact]
    public async Task Death_WhileTheServiceIsAway_IsToldWhenItIsBack()
    {
        using var trainer = await OpenAsync(0, First());
        _ = await trainer.ReadHeadAsync();
        _cluster.Service.IsDown = true;
        var cut = _cluster.Service.Cut;
        trainer.Dispose();
        await Waiting.UntilAsync(() => _cluster.Service.Cut > cut + 2, () => "no try");
        _cluster.Service.IsDown = false;
        Assert.Equal(new Rank(0), (await ReportAsync()).Rank);
    }

    [Theory]
    [InlineData("{}\n", "400")]
    [InlineData("{\"step\":5}\n", "400")]
    [InlineData("null\n", "400")]
    [InlineData("nonsense\n", "400")]
    [InlineData("{\"attempt\":0}\n", "400")]
    [InlineData("{\"attempt\":7}\n", "404")]
    public async Task FirstLine_ThatSaysNoAttemptThatIs_IsRefusedAndNobodyDies(string line, string status)
    {
        using (var trainer = await OpenAsync(0, line))
        {
            Assert.StartsWith($"HTTP/1.1 {status} ", await trainer.ReadHeadAsync(), StringComparison.Ordinal);
        }

        await NobodyDiedAsync();
    }

    [Fact]
    public async Task FirstLine_ThatNeverEnds_IsRefused()
    {
        using (var trainer = await OpenAsync(0, new string('x', PresenceReader.MaxLineBytes + 1)))
        {
            Assert.Contains("limit_exceeded", await trainer.ReadHeadAsync(), StringComparison.Ordinal);
        }

        await NobodyDiedAsync();
    }

    [Fact]
    public async Task FirstLine_ThatIsCutShort_IsNobody()
    {
        using (await OpenAsync(0, "{\"attempt\":1"))
        {
        }

        await NobodyDiedAsync();
    }

    [Theory]
    [InlineData("nonsense\n")]
    [InlineData("null\n")]
    [InlineData("{\"step\":-1}\n")]
    public async Task Line_ThatIsMalformed_EndsTheConnection(string line)
    {
        using var trainer = await OpenAsync(0, First());
        _ = await trainer.ReadHeadAsync();
        await trainer.SayAsync(line);
        Assert.True(await trainer.EndsAsync());
        Assert.Equal(FailureKind.Died, (await ReportAsync()).Kind);
        _ = await WhenBeatAsync(ranks => ranks is []);
    }

    [Fact]
    public async Task Line_ThatIsTooLong_EndsTheConnection()
    {
        using var trainer = await OpenAsync(0, First());
        _ = await trainer.ReadHeadAsync();
        await trainer.SayAsync(new string(' ', PresenceReader.MaxLineBytes + 1));
        Assert.True(await trainer.EndsAsync());
        Assert.Equal(FailureKind.Died, (await ReportAsync()).Kind);
    }

    private static string First(string more = "") =>
        string.Create(CultureInfo.InvariantCulture, $$"""{{{more}}"attempt":1,"pid":{{GonePid}}}""") + "\n";

    private Task<PresenceConnection> OpenAsync(int rank, string first) => PresenceConnection.OpenAsync(_node.Options.Socket, rank, first);

    // Whoever dies after them is the first that is told of.
    private async Task NobodyDiedAsync()
    {
        using (var trainer = await OpenAsync(1, First()))
        {
            _ = await trainer.ReadHeadAsync();
        }

        Assert.Equal(new Rank(1), (await ReportAsync()).Rank);
        Assert.Single(_cluster.Service.Taken.OfType<FailureReport>());
    }

    private async Task<FailureReport> ReportAsync()
    {
        await Waiting.UntilAsync(() => _cluster.Service.Taken.OfType<FailureReport>().Any(), () => "no failure was reported");
        return _cluster.Service.Taken.OfType<FailureReport>().First();
    }

    private async Task<IReadOnlyList<RankActivity>> WhenBeatAsync(Func<IReadOnlyList<RankActivity>, bool> holds)
    {
        IReadOnlyList<RankActivity>? last = null;
        await Waiting.UntilAsync(
            () => (last = _cluster.Service.Heartbeats.LastOrDefault()?.Ranks) is { } ranks && holds(ranks),
            () => $"the last heartbeat names {string.Join(", ", last ?? [])}");
        return last!;
    }
}
