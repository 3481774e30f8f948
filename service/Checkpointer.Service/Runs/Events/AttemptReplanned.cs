using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Events;

/// <summary>
/// A rank could not restore what its attempt was to resume from, so that all ranks restore something older: the attempt
/// resumed from that. Nothing else has happened in the attempt. The sources follow from the joins, as in the grant.
/// </summary>
internal sealed record AttemptReplanned : RunEvent
{
    /// <summary>The attempt.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>Number of the new plan within the attempt, from 2.</summary>
    public required int Number { get; init; }

    /// <summary>What could not be restored; this attempt never tries it again.</summary>
    public required CheckpointId Failed { get; init; }

    /// <summary>What all ranks restore now.</summary>
    public required CheckpointId ResumeFrom { get; init; }

    /// <summary>Why that one, for people.</summary>
    public required string Reason { get; init; }
}
