using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Events;

/// <summary>A rank could not restore what its attempt was to resume from, and nothing older is left: the attempt can't start.</summary>
internal sealed record RestoreGivenUp : RunEvent
{
    /// <summary>The attempt.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>What could not be restored last.</summary>
    public required CheckpointId Failed { get; init; }

    /// <summary>Why nothing is left, for people.</summary>
    public required string Reason { get; init; }
}
