using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Verifications;

/// <summary>A committed checkpoint that might be verified next.</summary>
/// <param name="Run">Its run.</param>
/// <param name="Checkpoint">Which.</param>
/// <param name="CommittedAt">When it was committed.</param>
/// <param name="VerifiedAt">When it was last verified, or tried to be; null if never.</param>
internal sealed record ScrubCandidate(
    RunId Run, CheckpointId Checkpoint, DateTimeOffset CommittedAt, DateTimeOffset? VerifiedAt) : IComparable<ScrubCandidate>
{
    /// <summary>First whoever was never verified, the newest first, for that is what is needed next; then by the age of the verification.</summary>
    public int CompareTo(ScrubCandidate? other)
    {
        if (other is null)
        {
            return -1;
        }

        var order = (VerifiedAt is not null).CompareTo(other.VerifiedAt is not null);
        if (order == 0)
        {
            order = VerifiedAt is { } at ? at.CompareTo(other.VerifiedAt!.Value) : other.CommittedAt.CompareTo(CommittedAt);
        }

        order = order != 0 ? order : other.Checkpoint.CompareTo(Checkpoint);
        return order != 0 ? order : string.CompareOrdinal(Run.Value, other.Run.Value);
    }
}
