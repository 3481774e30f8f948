using System.Collections.Immutable;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs.Joining;

namespace Checkpointer.Service.Runs.Lineage;

/// <summary>A run's attempts, and the way that led to the current one.</summary>
internal sealed class AttemptHistory
{
    // Attempt n is at index n - 1.
    private readonly List<AttemptRecord> _attempts = [];

    /// <summary>The current attempt; null before the first grant.</summary>
    public AttemptRecord? Current => _attempts.Count == 0 ? null : _attempts[^1];

    /// <summary>The way to the current attempt.</summary>
    public LineagePath Path { get; private set; } = LineagePath.Empty;

    /// <summary>The current attempt's plan; null before the first grant.</summary>
    public RecoveryPlan? Plan { get; private set; }

    /// <summary>How the current attempt stands while not all of its ranks have restored; null once they have, or if there is nothing to restore.</summary>
    public RestoreStanding? Restoring { get; private set; }

    /// <summary>How many ranks of the current attempt have restored by its plan.</summary>
    public int RestoredRanks { get; private set; }

    /// <summary>All attempts, oldest first.</summary>
    public IReadOnlyList<AttemptRecord> All => _attempts;

    /// <summary>The number that the next grant takes.</summary>
    public Attempt Next => Current?.Attempt.Next ?? new Attempt(Attempt.MinValue);

    /// <summary>One attempt; null if it was never granted.</summary>
    public AttemptRecord? Find(Attempt attempt) =>
        attempt.Value >= Attempt.MinValue && attempt.Value <= _attempts.Count ? _attempts[attempt.Value - 1] : null;

    /// <summary>The way to a granted attempt.</summary>
    public LineagePath PathTo(Attempt attempt) =>
        LineagePath.To(attempt, at => _attempts[at.Value - 1].ResumedFrom);

    /// <summary>The way to a state that a granted attempt passed, and no farther.</summary>
    public LineagePath PathThrough(CheckpointId point) =>
        LineagePath.To(point.Attempt, at => _attempts[at.Value - 1].ResumedFrom, point.Step.Value);

    /// <summary>Takes the history that <see cref="All"/> and <see cref="Plan"/> were read from.</summary>
    public void Load(IReadOnlyList<AttemptRecord> attempts, RecoveryPlan? plan, RestoreStanding? restoring)
    {
        // A dictionary that was read has the default order.
        Restoring = restoring is null ? null : restoring with
        {
            Joined = restoring.Joined with { Agents = PendingIncarnation.NoAgents.AddRange(restoring.Joined.Agents) },
        };
        _attempts.AddRange(attempts);
        Plan = plan;
        Path = Current is { } current ? PathTo(current.Attempt) : LineagePath.Empty;
        RestoredRanks = Current?.Restores.Values.Count(restore => restore.Succeeded) ?? 0;
    }

    /// <summary>Makes <paramref name="granted"/> the current attempt.</summary>
    public void Grant(AttemptRecord granted, RecoveryPlan plan, PendingIncarnation joined)
    {
        Invariant.Holds(granted.Attempt == Next);
        Invariant.Holds(granted.ResumedFrom is not { } from || from.Attempt < granted.Attempt);
        _attempts.Add(granted);
        Plan = plan;
        Path = PathTo(granted.Attempt);
        RestoredRanks = 0;
        Restoring = plan.ResumeFrom is null ? null : new RestoreStanding { Joined = joined, Failed = [] };
        var tooOld = _attempts.Count - 1 - RunLimits.MaxDetailedAttempts;
        if (tooOld >= 0)
        {
            _attempts[tooOld] = _attempts[tooOld] with
            {
                Nodes = [],
                Restores = ImmutableSortedDictionary<int, RestoreReport>.Empty,
            };
        }
    }

    /// <summary>Keeps that the current attempt is fenced; the first time holds.</summary>
    public void FenceCurrent(DateTimeOffset at) => _attempts[^1] = _attempts[^1] with { FencedAt = _attempts[^1].FencedAt ?? at };

    /// <summary>Gives the current attempt another plan, which resumes from what <paramref name="plan"/> says.</summary>
    public void Replan(RecoveryPlan plan, CheckpointId failed)
    {
        Invariant.Holds(Restoring is { Impossible: null } && Current!.ResumedFrom == failed && Current.FirstStepAt is null);
        Invariant.Holds(plan.ResumeFrom is { } from && Path.Contains(from) && !Restoring.Failed.Contains(from) && from != failed);
        Restoring = Restoring with { Failed = [.. Restoring.Failed, failed] };
        _attempts[^1] = _attempts[^1] with
        {
            ResumedFrom = plan.ResumeFrom,
            Reason = plan.Reason,
            Restores = ImmutableSortedDictionary<int, RestoreReport>.Empty,
        };
        RestoredRanks = 0;
        Plan = plan;
        Path = PathTo(_attempts[^1].Attempt);
    }

    /// <summary>The current attempt can't restore anything.</summary>
    public void GiveUpRestore(CheckpointId failed, string reason)
    {
        Invariant.Holds(Restoring is { Impossible: null });
        Restoring = Restoring with { Failed = [.. Restoring.Failed, failed], Impossible = reason };
    }

    /// <summary>Keeps how a rank of the current attempt restored; what is said of an earlier plan is not kept.</summary>
    public void RecordRestore(RestoreReport report)
    {
        Invariant.Holds(Current?.Attempt == report.Attempt);
        if ((report.Plan ?? 1) < Plan?.Number)
        {
            return;
        }

        var succeeded = Current.Restores.GetValueOrDefault(report.Rank.Value)?.Succeeded == true;
        RestoredRanks += (report.Succeeded ? 1 : 0) - (succeeded ? 1 : 0);
        if (RestoredRanks == Current.WorldSize)
        {
            Restoring = null;
        }

        _attempts[^1] = _attempts[^1] with { Restores = _attempts[^1].Restores.SetItem(report.Rank.Value, report) };
    }

    /// <summary>Keeps that the current attempt ran a step.</summary>
    public void RecordStep(Attempt attempt, DateTimeOffset at, bool diverged)
    {
        Invariant.Holds(Current?.Attempt == attempt);
        if (_attempts[^1].FirstStepAt is null || (diverged && !_attempts[^1].Diverged))
        {
            _attempts[^1] = _attempts[^1] with
            {
                FirstStepAt = _attempts[^1].FirstStepAt ?? at,
                Diverged = _attempts[^1].Diverged || diverged,
            };
        }
    }
}
