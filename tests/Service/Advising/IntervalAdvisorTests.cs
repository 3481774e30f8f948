using Checkpointer.Formats.Identity;
using Checkpointer.Service.Advising;
using Checkpointer.Service.Tests.Runs;

namespace Checkpointer.Service.Tests.Advising;

public sealed class IntervalAdvisorTests
{
    private static readonly RunId Run = RunId.Parse("demo");

    private static readonly RunMeasurements Reference = new()
    {
        StepMs = [27_000],
        StallMs = [900],
        DrainMs = [127_000],
        StepsBetweenSaves = [10],
        StepsBetweenCheckpoints = [100],
        Runtime = TimeSpan.FromHours(12),
        Failures = 4,
        StorageFailures = 0,
    };

    [Theory]
    [InlineData(0.9, 10_800)]
    [InlineData(30, 3_600)]
    [InlineData(100, 10_000)]
    public void Daly_CostsLessThanItsNeighbours(double cost, double failureEvery)
    {
        var best = IntervalAdvisor.Daly(cost, failureEvery);

        // The time that a run takes per unit of work, of exponential failures: Daly's equation 13 without the restart.
        double Expected(double interval) => failureEvery * (Math.Exp(interval / failureEvery) - 1) / (interval - cost);
        Assert.InRange(best, Math.Sqrt(2 * cost * failureEvery), 1.5 * Math.Sqrt(2 * cost * failureEvery));
        Assert.True(Expected(best) < Expected(best * 0.8));
        Assert.True(Expected(best) < Expected(best * 1.25));
    }

    [Fact]
    public void Advise_OfTheReferenceRun_CountsFailuresAndSteps()
    {
        var advice = IntervalAdvisor.Advise(Run, Reference, failureEvery: null);

        Assert.Equal(3 * 3600, advice.Measured.FailureEverySeconds);
        Assert.Equal(30 * 3600, advice.Measured.StorageFailureEverySeconds);
        Assert.Equal(5, advice.Memory.Steps); // sqrt(2 · 0.9 s · 3 h) = 139 s
        Assert.Equal(16, advice.Durable.Steps); // sqrt(2 · 0.9 s · 30 h) = 441 s
        Assert.True(advice.Memory.Cost < advice.Memory.PresentCost);
        Assert.True(advice.Durable.Cost < advice.Durable.PresentCost);
        Assert.Contains("4 failures in 12 h", advice.Measured.FailureBasis, StringComparison.Ordinal);
    }

    [Fact]
    public void Advise_SlowStore_NeverRecommendsMoreThanItCanTake()
    {
        var advice = IntervalAdvisor.Advise(Run, Reference with { DrainMs = [3_600_000] }, failureEvery: null);

        Assert.Equal(134, advice.Durable.Steps); // 3,600 s of 27 s steps, rounded up
        Assert.Contains("would queue", advice.Durable.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Advise_FailuresThatNeededStorage_AreCountedAsTheyCame()
    {
        var advice = IntervalAdvisor.Advise(Run, Reference with { StorageFailures = 2 }, failureEvery: null);

        Assert.Equal(6 * 3600, advice.Measured.StorageFailureEverySeconds);
    }

    [Fact]
    public void Advise_NothingSeenYet_SaysWhatItAssumes()
    {
        var advice = IntervalAdvisor.Advise(
            Run, Reference with { StallMs = [], DrainMs = [], StepsBetweenSaves = [], StepsBetweenCheckpoints = [], Failures = 0 }, null);

        Assert.Contains("no failure was seen", advice.Measured.FailureBasis, StringComparison.Ordinal);
        Assert.Null(advice.Measured.StallMs);
        Assert.Null(advice.Memory.PresentSteps);
        Assert.True(advice.Memory.Steps >= 1);
    }

    [Fact]
    public void Measurements_ComeFromTheRun()
    {
        var run = new RunDriver();
        run.Start("a", 2);
        Assert.Null(RunMeasurements.Of(run.State));
        run.Send(run.StepsOf(
            RunDriver.StepOf(1) with { StepMs = 100 },
            RunDriver.StepOf(2) with { StepMs = 130, StallMs = 20 },
            RunDriver.StepOf(3) with { StepMs = double.NaN, StallMs = double.PositiveInfinity },
            RunDriver.StepOf(4) with { StepMs = 100, StallMs = 10 }));
        run.Start("b", 2);

        var measured = RunMeasurements.Of(run.State)!;
        Assert.Equal([90, 100, 110], measured.StepMs);
        Assert.Equal([10, 20], measured.StallMs);
        Assert.Equal([2], measured.StepsBetweenSaves);
        Assert.Equal((1, 1), (measured.Failures, measured.StorageFailures)); // from scratch: nothing was saved
    }
}
