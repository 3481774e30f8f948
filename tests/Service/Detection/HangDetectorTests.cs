using Checkpointer.Contracts.Agents;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Detection;
using Checkpointer.Service.Tests.Runs;

namespace Checkpointer.Service.Tests.Detection;

public sealed class HangDetectorTests
{
    private static readonly TimeSpan Long = TimeSpan.FromHours(1);

    [Fact]
    public void Bound_IsNeverBelowTenSecondsNorTwiceTheLongestNorFiveTimesTheSlow()
    {
        var random = new Random(1);
        for (var round = 0; round < 500; round++)
        {
            var times = Enumerable.Range(0, random.Next(1, 300)).Select(_ => TimeSpan.FromSeconds(random.NextDouble() * 30)).ToList();
            var bound = HangDetector.Bound(times);
            Assert.True(bound >= HangDetector.MinBound && bound >= 2 * times.Max());
            Assert.True(times.Count(time => 5 * time > bound) <= times.Count / 100);
            Assert.True(HangDetector.Bound([.. times, times.Max() + Long]) >= bound);
        }
    }

    [Fact]
    public void Judge_APauseAsLongAsOneSeenBefore_IsNoHang()
    {
        var evaluation = TimeSpan.FromMinutes(20);
        var facts = Facts(20) with { StepTimes = [.. Facts(20).StepTimes, evaluation] };
        Assert.Null(HangDetector.Judge(facts, evaluation, Ranks(20, 20)));
        Assert.NotNull(HangDetector.Judge(facts, 5.1 * evaluation, Ranks(20, 20)));
    }

    [Fact]
    public void Judge_WithoutEnoughToGoBy_SaysNothing()
    {
        Assert.Null(HangDetector.Judge(Facts(4), Long, Ranks(4, 4)));
        Assert.Null(HangDetector.Judge(Facts(5), TimeSpan.FromSeconds(9), Ranks(5, 5)));
        Assert.Null(HangDetector.Judge(Facts(5), Long, [Ranks(5, 5)[0]]));
        Assert.Null(HangDetector.Judge(Facts(5), Long, Ranks(6, 5)));
        Assert.NotNull(HangDetector.Judge(Facts(5), Long, Ranks(5, 5)));
    }

    [Fact]
    public void Judge_NamesTheSilentThenTheLateThenAll()
    {
        var ranks = Ranks(5, 4);
        Assert.Equal([1], Named(HangDetector.Judge(Facts(5), Long, ranks)));
        ranks[0] = ranks[0] with { Activity = ranks[0].Activity with { SilentMs = 9000 } };
        Assert.Equal([0], Named(HangDetector.Judge(Facts(5), Long, ranks)));
        Assert.Equal([0, 1], Named(HangDetector.Judge(Facts(5), Long, Ranks(5, 5))));
    }

    private static IEnumerable<int> Named(HangVerdict? verdict) => verdict!.Ranks.Select(rank => rank.Activity.Rank.Value);

    private static HangFacts Facts(int steps) => new(
        new Attempt(1), 2, new Step(steps), DateTimeOffset.UnixEpoch, steps, [.. Enumerable.Repeat(TimeSpan.FromSeconds(0.1), steps)]);

    private static List<RankSighting> Ranks(params long[] steps) =>
    [
        .. steps.Select((step, rank) => new RankSighting(
            "a",
            new RankActivity { Run = RunDriver.Run, Attempt = new Attempt(1), Rank = new Rank(rank), LastStep = new Step(step), SilentMs = 300 },
            TimeSpan.Zero)),
    ];
}
