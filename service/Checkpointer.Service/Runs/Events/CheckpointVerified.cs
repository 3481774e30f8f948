using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs.Events;

/// <summary>A committed checkpoint was read again from storage.</summary>
internal sealed record CheckpointVerified : RunEvent
{
    /// <summary>The checkpoint.</summary>
    public required CheckpointId Checkpoint { get; init; }

    /// <summary>What was found.</summary>
    public required VerificationReport Report { get; init; }
}
