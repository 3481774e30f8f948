using System.Globalization;

namespace Checkpointer.Service.Detection;

/// <summary>
/// Whether a run hangs: pure. It learns from the run's own step times, so a pause as long as one that was seen before is no
/// hang, and before <see cref="MinSteps"/> steps of an attempt (start, restore, compiling) nothing is.
/// </summary>
internal static class HangDetector
{
    /// <summary>Steps of the present attempt before anything is said of it.</summary>
    public const int MinSteps = 5;

    /// <summary>A shorter silence is never a hang.</summary>
    public static readonly TimeSpan MinBound = TimeSpan.FromSeconds(10);

    // A process gives a sign of life every second. This much silence means that it is stopped, or busy where it must not be.
    private static readonly TimeSpan StoppedAfter = TimeSpan.FromSeconds(5);
    private const int SlowStepFactor = 5;
    private const int LongestPauseFactor = 2;

    /// <summary>How long a run may go without a step: max(10 s, 5 × the 99th percentile, 2 × the longest) of its step times.</summary>
    public static TimeSpan Bound(IReadOnlyList<TimeSpan> stepTimes)
    {
        if (stepTimes.Count == 0)
        {
            return MinBound;
        }

        var sorted = stepTimes.Order().ToList();
        var slow = SlowStepFactor * Percentile99(sorted);
        var longest = LongestPauseFactor * sorted[^1];
        return new[] { MinBound, slow, longest }.Max();
    }

    /// <summary>
    /// The verdict; null if nothing hangs or nothing can be said: a rank that is not connected has ended, or is its agent's
    /// matter, and steps that rank 0 completed but its agent could not deliver yet are no hang.
    /// </summary>
    /// <param name="facts">The run's pace.</param>
    /// <param name="silence">How long the service has known of no newer step.</param>
    /// <param name="ranks">The ranks of the attempt that are connected.</param>
    public static HangVerdict? Judge(HangFacts facts, TimeSpan silence, IReadOnlyList<RankSighting> ranks)
    {
        var bound = Bound(facts.StepTimes);
        if (facts.StepsInAttempt < MinSteps || silence <= bound || ranks.Count != facts.WorldSize
            || ranks.Any(rank => rank.Activity.Rank.Value == 0 && rank.Activity.LastStep > facts.LastStep))
        {
            return null;
        }

        var behind = FurthestBehind(ranks, out var why);
        var steps = facts.StepTimes.Order().ToList();
        return new HangVerdict(behind, string.Create(CultureInfo.InvariantCulture,
            $"Step {facts.LastStep} was {silence.TotalSeconds:0.0} s ago, more than the {bound.TotalSeconds:0.0} s that are waited (99 % of steps took at most {Percentile99(steps).TotalSeconds:0.000} s, the longest {steps[^1].TotalSeconds:0.000} s). {why}"));
    }

    private static List<RankSighting> FurthestBehind(IReadOnlyList<RankSighting> ranks, out string why)
    {
        var stopped = ranks.Where(rank => Silence(rank) > StoppedAfter).OrderBy(rank => rank.Activity.Rank).ToList();
        if (stopped.Count > 0 && stopped.Count < ranks.Count)
        {
            why = Text($"No sign of life of {Names(stopped)} for {Silence(stopped[0]).TotalSeconds:0.0} s; the other processes live.");
            return stopped;
        }

        var known = ranks.Where(rank => rank.Activity.LastStep is not null).ToList();
        var newest = known.Max(rank => rank.Activity.LastStep);
        var oldest = known.Min(rank => rank.Activity.LastStep);
        if (oldest < newest)
        {
            var late = known.Where(rank => rank.Activity.LastStep == oldest).OrderBy(rank => rank.Activity.Rank).ToList();
            why = Text($"The last step of {Names(late)} is {oldest}, of others {newest}; all processes live.");
            return late;
        }

        why = stopped.Count > 0
            ? "No process gives a sign of life."
            : "All processes live and none is behind another: look for what they wait for together.";
        return [.. ranks.OrderBy(rank => rank.Activity.Rank)];
    }

    private static TimeSpan Silence(RankSighting rank) => TimeSpan.FromMilliseconds(Math.Min(rank.Activity.SilentMs, 1e12)) + rank.Age;

    private static TimeSpan Percentile99(List<TimeSpan> sorted) => sorted[(int)Math.Ceiling(0.99 * sorted.Count) - 1];

    private static string Names(IReadOnlyList<RankSighting> ranks) => Runs.RankNames.Of([.. ranks.Select(rank => rank.Activity.Rank)]);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
