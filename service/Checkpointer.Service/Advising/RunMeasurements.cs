using Checkpointer.Contracts.Runs;
using Checkpointer.Service.Runs;

namespace Checkpointer.Service.Advising;

/// <summary>What a run's state says of its speed, its saves and its failures. Taken of the whole kept ledger.</summary>
internal sealed record RunMeasurements
{
    /// <summary>Times of steps without the hold of a save, in milliseconds, sorted.</summary>
    public required IReadOnlyList<double> StepMs { get; init; }

    /// <summary>How long each save held the trainer, in milliseconds, sorted.</summary>
    public required IReadOnlyList<double> StallMs { get; init; }

    /// <summary>From the first seal to the commit of each checkpoint, in milliseconds, sorted.</summary>
    public required IReadOnlyList<double> DrainMs { get; init; }

    /// <summary>Steps from each save to the next, sorted.</summary>
    public required IReadOnlyList<double> StepsBetweenSaves { get; init; }

    /// <summary>Steps from each committed checkpoint of the lineage to the next, sorted.</summary>
    public required IReadOnlyList<double> StepsBetweenCheckpoints { get; init; }

    /// <summary>From the first grant to the newest step.</summary>
    public required TimeSpan Runtime { get; init; }

    /// <summary>Attempts after the first.</summary>
    public required int Failures { get; init; }

    /// <summary>Those that read object storage, or began from scratch.</summary>
    public required int StorageFailures { get; init; }

    /// <summary>The measurements of <paramref name="state"/>; null before its first step.</summary>
    public static RunMeasurements? Of(RunState state)
    {
        var entries = state.Ledger.Entries;
        if (state.Attempts.All.Count == 0 || entries.Count == 0)
        {
            return null;
        }

        var first = state.Attempts.All[0];
        var saved = entries.Where(entry => IsTime(entry.Report.StallMs)).ToList();
        var committed = state.Checkpoints.Records.Where(record => record.State == CheckpointState.Committed).ToList();
        var later = state.Attempts.All.Where(attempt => attempt.Attempt > first.Attempt).ToList();
        return new RunMeasurements
        {
            StepMs = Sorted(entries.Where(entry => IsTime(entry.Report.StepMs))
                .Select(entry => Math.Max(0, entry.Report.StepMs!.Value - (entry.Report.StallMs ?? 0)))),
            StallMs = Sorted(saved.Select(entry => entry.Report.StallMs!.Value)),
            DrainMs = Sorted(committed.Select(record => record.Summarise(onLineage: true))
                .Where(summary => summary.EndedAt is not null)
                .Select(summary => (summary.EndedAt!.Value - summary.StartedAt).TotalMilliseconds)),
            StepsBetweenSaves = Sorted(saved.Zip(saved.Skip(1))
                .Where(pair => pair.First.Attempt == pair.Second.Attempt)
                .Select(pair => (double)(pair.Second.Report.Step.Value - pair.First.Report.Step.Value))),
            StepsBetweenCheckpoints = Sorted(Steps(committed.Where(record => state.Attempts.Path.Contains(record.Checkpoint))
                .Select(record => record.Checkpoint.Step.Value))),
            Runtime = entries[^1].At - first.GrantedAt,
            Failures = later.Count,
            StorageFailures = later.Count(
                attempt => attempt.ResumedFrom is null || attempt.Restores.Values.Any(restore => restore.StorageBytes > 0)),
        };
    }

    // What trainers send may be anything.
    private static bool IsTime(double? milliseconds) => milliseconds is > 0 and < 1e12;

    private static IEnumerable<double> Steps(IEnumerable<long> steps)
    {
        var sorted = steps.Order().ToList();
        return sorted.Zip(sorted.Skip(1)).Select(pair => (double)(pair.Second - pair.First));
    }

    private static List<double> Sorted(IEnumerable<double> values) => [.. values.Order()];
}
