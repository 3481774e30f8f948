using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Verifications;

/// <summary>What of one run (or several together) the scrub needs to know to decide what comes next, and when.</summary>
/// <param name="Next">The candidate that comes first; null if nothing is committed.</param>
/// <param name="OldestCommit">When the first of those kept was committed.</param>
/// <param name="NewestScrub">When the scrub last learnt something; null if never.</param>
internal sealed record ScrubOutlook(ScrubCandidate? Next, DateTimeOffset? OldestCommit, DateTimeOffset? NewestScrub)
{
    /// <summary>Of no run.</summary>
    public static ScrubOutlook Empty { get; } = new(null, null, null);

    /// <summary>Of one run; <paramref name="triedAt"/> says when a checkpoint was tried without that being kept.</summary>
    public static ScrubOutlook Of(RunState state, Func<CheckpointId, DateTimeOffset?> triedAt)
    {
        var outlook = Empty;
        foreach (var record in state.Checkpoints.Records)
        {
            if (record is { State: CheckpointState.Committed, EndedAt: { } committedAt })
            {
                var verification = record.Verification;
                var candidate = new ScrubCandidate(
                    state.Run, record.Checkpoint, committedAt, Later(verification?.At, triedAt(record.Checkpoint)));
                var scrubbed = verification is { Report: { By: VerifiedBy.Scrub, Outcome: not VerificationOutcome.Incomplete } };
                outlook = outlook.With(new ScrubOutlook(candidate, committedAt, scrubbed ? verification!.At : null));
            }
        }

        return outlook;
    }

    /// <summary>Of both.</summary>
    public ScrubOutlook With(ScrubOutlook other) => new(
        Next is null || other.Next?.CompareTo(Next) < 0 ? other.Next : Next,
        OldestCommit is { } mine && !(other.OldestCommit < mine) ? mine : other.OldestCommit,
        Later(NewestScrub, other.NewestScrub));

    private static DateTimeOffset? Later(DateTimeOffset? one, DateTimeOffset? other) =>
        one is { } first && !(other > first) ? first : other;
}
