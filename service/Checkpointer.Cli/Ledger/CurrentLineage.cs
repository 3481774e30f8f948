using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Cli.Ledger;

/// <summary>The attempts that led to where a run is, each up to the step at which the next one took over.</summary>
internal sealed class CurrentLineage
{
    private readonly Dictionary<Attempt, long> _lastSteps = [];

    /// <summary>The way to the newest of <paramref name="attempts"/>.</summary>
    public CurrentLineage(IReadOnlyDictionary<Attempt, AttemptSummary> attempts)
    {
        var last = long.MaxValue;
        for (Attempt? attempt = attempts.Count == 0 ? null : attempts.Keys.Max(); attempt is { } current;)
        {
            _lastSteps[current] = last;
            var from = attempts.GetValueOrDefault(current)?.ResumedFrom;
            (attempt, last) = (from?.Attempt, from?.Step.Value ?? 0);
        }
    }

    /// <summary>Whether that attempt's run of that step is on the way.</summary>
    public bool Contains(Attempt attempt, Step step) => step.Value <= _lastSteps.GetValueOrDefault(attempt);
}
