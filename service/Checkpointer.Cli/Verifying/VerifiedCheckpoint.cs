using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Cli.Verifying;

/// <summary>One checkpoint in the JSON that <c>verify</c> writes.</summary>
internal sealed record VerifiedCheckpoint
{
    /// <summary>Which.</summary>
    public required CheckpointId Checkpoint { get; init; }

    /// <summary>Whether the service has recorded it.</summary>
    public required bool Recorded { get; init; }

    /// <summary>What was found; every finding is listed.</summary>
    public required VerificationReport Verification { get; init; }
}
