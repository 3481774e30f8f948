using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Manifests;

namespace Checkpointer.Service.Runs.Lineage;

/// <summary>
/// The way that led to one attempt: the attempts it descends from, each up to the step at which the next one took over.
/// Every step of the way belongs to exactly one attempt. Never changes.
/// </summary>
internal sealed class LineagePath
{
    private readonly Dictionary<Attempt, long> _lastSteps = [];
    private readonly List<LineageEntry> _entries = [];

    private LineagePath()
    {
    }

    /// <summary>Before the first attempt: nothing is on it.</summary>
    public static LineagePath Empty { get; } = new();

    /// <summary>The attempts, ascending, as a manifest lists them.</summary>
    public IReadOnlyList<LineageEntry> Entries => _entries;

    /// <summary>The way to <paramref name="tip"/>, and in it up to <paramref name="lastStep"/>.</summary>
    public static LineagePath To(Attempt tip, Func<Attempt, CheckpointId?> resumedFrom, long lastStep = Step.MaxValue)
    {
        var path = new LineagePath();
        for (Attempt? attempt = tip; attempt is { } current;)
        {
            var from = resumedFrom(current);
            path._lastSteps.Add(current, lastStep);
            path._entries.Add(new LineageEntry { Attempt = current, ResumedFrom = from });
            (attempt, lastStep) = (from?.Attempt, from?.Step.Value ?? 0);
        }

        path._entries.Reverse();
        return path;
    }

    /// <summary>Whether the state at <paramref name="point"/> was passed on this way.</summary>
    public bool Contains(CheckpointId point) =>
        _lastSteps.TryGetValue(point.Attempt, out var lastStep) && point.Step.Value <= lastStep;

    /// <summary>The steps of the way that <paramref name="attempt"/> ran end with this one; 0 if it is not on the way.</summary>
    public long LastStepOf(Attempt attempt) => _lastSteps.GetValueOrDefault(attempt);
}
