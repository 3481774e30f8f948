using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;

namespace Checkpointer.Service.Detection;

/// <summary>What the ledger says of a run's pace.</summary>
/// <param name="Attempt">The current attempt.</param>
/// <param name="WorldSize">Its ranks.</param>
/// <param name="LastStep">The newest step of it.</param>
/// <param name="LastStepAt">When the service recorded that.</param>
/// <param name="StepsInAttempt">How many steps of it are known, up to <see cref="MaxSteps"/>.</param>
/// <param name="StepTimes">How long steps took, pauses between them included, of this attempt and those before.</param>
internal sealed record HangFacts(
    Attempt Attempt, int WorldSize, Step LastStep, DateTimeOffset LastStepAt, int StepsInAttempt, IReadOnlyList<TimeSpan> StepTimes)
{
    /// <summary>Steps that are looked at: the newest.</summary>
    public const int MaxSteps = 512;

    /// <summary>The facts of a run; null before the first step of its current attempt.</summary>
    public static HangFacts? Of(RunState state)
    {
        var entries = state.Ledger.Entries;
        if (state.Attempts.Current is not { } current || entries.Count == 0 || entries[^1].Attempt != current.Attempt)
        {
            return null;
        }

        var times = new List<TimeSpan>();
        var steps = 0;
        for (var i = Math.Max(0, entries.Count - MaxSteps); i < entries.Count; i++)
        {
            var entry = entries[i];
            steps += entry.Attempt == current.Attempt ? 1 : 0;

            // A trainer that measures its steps itself may leave the evaluation between two of them out.
            var apart = i > 0 && entries[i - 1].Attempt == entry.Attempt ? entry.At - entries[i - 1].At : TimeSpan.Zero;
            var told = entry.Report.StepMs is >= 0 and < 1e12 ? TimeSpan.FromMilliseconds(entry.Report.StepMs.Value) : TimeSpan.Zero;
            times.Add(apart > told ? apart : told);
        }

        return new HangFacts(current.Attempt, current.WorldSize, entries[^1].Report.Step, entries[^1].At, steps, times);
    }
}
