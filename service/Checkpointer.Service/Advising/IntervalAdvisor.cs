using System.Globalization;
using Checkpointer.Contracts.Advice;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Advising;

/// <summary>
/// Recommends how often to take snapshots. Saving every T seconds costs C / T of the time, when each save holds the trainer for C, and
/// T / 2M of it is undone by failures that come every M on average. J. T. Daly's refinement ("A higher order estimate of the
/// optimum checkpoint interval for restart dumps", 2006) of J. W. Young's sqrt(2CM) (1974) gives the T that costs least.
/// </summary>
internal static class IntervalAdvisor
{
    /// <summary>Counted with until a failure was seen: a thousand cards lose one every few hours.</summary>
    public static readonly TimeSpan AssumedFailureEvery = TimeSpan.FromHours(4);

    /// <summary>Failures for each one that takes all copies in memory, until one of those was seen.</summary>
    public const double AssumedStorageShare = 10;

    /// <summary>Counted with until a save was measured, in milliseconds.</summary>
    private const double AssumedStallMs = 10;

    /// <summary>The advice for <paramref name="run"/>; <paramref name="failureEvery"/> is the operator's own figure, if he has one.</summary>
    public static IntervalAdvice Advise(RunId run, RunMeasurements measured, TimeSpan? failureEvery)
    {
        var stepSeconds = Math.Max(1e-6, (Quantile(measured.StepMs, 0.5) ?? 1000) / 1000);
        var stallSeconds = (Quantile(measured.StallMs, 0.5) ?? AssumedStallMs) / 1000;
        var drainMs = Quantile(measured.DrainMs, 0.95);
        var (failures, storageFailures, basis) = FailureTimes(measured, failureEvery);
        return new IntervalAdvice
        {
            Run = run,
            Measured = new AdviceMeasurements
            {
                Steps = measured.StepMs.Count,
                StepMs = stepSeconds * 1000,
                Saves = measured.StallMs.Count,
                StallMs = Quantile(measured.StallMs, 0.5),
                Commits = measured.DrainMs.Count,
                DrainMs = drainMs,
                RuntimeSeconds = measured.Runtime.TotalSeconds,
                Failures = measured.Failures,
                StorageFailures = measured.StorageFailures,
                FailureEverySeconds = failures,
                StorageFailureEverySeconds = storageFailures,
                FailureBasis = basis,
            },
            Memory = Recommend("a snapshot in memory", stallSeconds, failures, stepSeconds, leastSeconds: 0, measured.StepsBetweenSaves),
            Durable = Recommend(
                "a checkpoint", stallSeconds, storageFailures, stepSeconds, (drainMs ?? 0) / 1000, measured.StepsBetweenCheckpoints),
        };
    }

    /// <summary>Daly's interval between the beginnings of two saves that each take <paramref name="cost"/>, all in one unit.</summary>
    public static double Daly(double cost, double failureEvery)
    {
        if (cost >= 2 * failureEvery)
        {
            return failureEvery + cost;
        }

        var ratio = Math.Sqrt(cost / (2 * failureEvery));
        return Math.Sqrt(2 * cost * failureEvery) * (1 + (ratio / 3) + (ratio * ratio / 9));
    }

    private static (double Failures, double StorageFailures, string Basis) FailureTimes(RunMeasurements measured, TimeSpan? given)
    {
        var runtime = Math.Max(1, measured.Runtime.TotalSeconds);
        var (failures, basis) = (given, measured.Failures) switch
        {
            ({ } own, _) => (own.TotalSeconds, $"a failure every {Text(own.TotalSeconds)}, as given"),
            (null, 0) => (
                AssumedFailureEvery.TotalSeconds,
                $"no failure was seen in {Text(runtime)}: one every {Text(AssumedFailureEvery.TotalSeconds)} is assumed"),
            (null, var count) => (
                runtime / count, $"{Count(count, "failure")} in {Text(runtime)}: one every {Text(runtime / count)}"),
        };
        return measured.StorageFailures > 0
            ? (failures,
                failures * measured.Failures / measured.StorageFailures,
                $"{basis}; {measured.StorageFailures} of {measured.Failures} needed object storage")
            : (failures,
                failures * AssumedStorageShare,
                $"{basis}; none needed object storage: one in {AssumedStorageShare:0} is assumed to");
    }

    private static IntervalRecommendation Recommend(
        string what, double cost, double failureEvery, double step, double leastSeconds, IReadOnlyList<double> presentSteps)
    {
        var best = Daly(cost, failureEvery);
        var steps = Math.Max(1, (long)Math.Round(best / step));
        var least = Math.Max(1, (long)Math.Ceiling(leastSeconds / step));
        var chosen = Math.Max(steps, least);
        var present = Quantile(presentSteps, 0.5) is { } median ? (long?)Math.Max(1, (long)median) : null;
        var optimum = $"a save holds the trainer {Text(cost)} and what it protects from comes every {Text(failureEvery)}: {what} every "
            + $"{Text(best)} costs least";
        return new IntervalRecommendation
        {
            Steps = chosen,
            Seconds = chosen * step,
            Cost = Cost(chosen * step),
            PresentSteps = present,
            PresentCost = present is { } now ? Cost(now * step) : null,
            Reason = chosen == steps
                ? steps == 1 && best < step ? $"{optimum}, which is less than a step" : optimum
                : $"{optimum}, but storing one takes {Text(leastSeconds)}: more often they would queue",
        };

        double Cost(double interval) => Math.Min(1, (cost / interval) + (interval / 2 / failureEvery));
    }

    private static double? Quantile(IReadOnlyList<double> sorted, double share) =>
        sorted.Count == 0 ? null : sorted[(int)Math.Min(sorted.Count - 1, Math.Floor(share * sorted.Count))];

    private static string Count(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";

    private static string Text(double seconds) => seconds switch
    {
        < 1 => Number(seconds * 1000, "ms"),
        < 120 => Number(seconds, "s"),
        < 7200 => Number(seconds / 60, "min"),
        _ => Number(seconds / 3600, "h"),
    };

    private static string Number(double value, string unit) => string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {unit}");
}
