using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>
/// <c>POST /v1/runs/{run}/rollbacks</c>, operator to service: the run is to go on from an earlier checkpoint. The present
/// attempt is fenced at once; the next incarnation resumes exactly there. Answered with a <see cref="Rollback"/>. Errors:
/// <c>not_found</c> (no such run or checkpoint), <c>restore_impossible</c> (nothing has all its bytes),
/// <c>checkpoint_conflict</c> (see <see cref="Target"/>). Asked again while it is pending it changes nothing.
/// </summary>
public sealed record RequestRollback
{
    /// <summary>
    /// Where to: a step (<c>120</c>) of the current lineage, a step and its attempt (<c>120.3</c>) of any lineage,
    /// <c>latest</c> (the newest that can be restored on the current lineage, in memory or in storage), or <c>known_good</c>
    /// (the newest committed on it that is not known to be damaged and has no NaN or infinite values).
    /// </summary>
    public required string To { get; init; }

    /// <summary>Who decides, for the record: 1 to 128 characters.</summary>
    public required string By { get; init; }

    /// <summary>Why, for the record, up to 1,024 characters.</summary>
    public string? Comment { get; init; }

    /// <summary>What the caller was shown <see cref="To"/> to be; if it is something else by now, the request is refused.</summary>
    public CheckpointId? Target { get; init; }

    /// <summary>Only says what it would come to; nothing changes, and the answer's number is 0.</summary>
    public bool DryRun { get; init; }
}
