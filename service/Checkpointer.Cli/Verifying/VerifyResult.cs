using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Cli.Verifying;

/// <summary>The JSON that <c>verify --output json</c> writes.</summary>
internal sealed record VerifyResult
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>What store was read.</summary>
    public required string Store { get; init; }

    /// <summary>What stands before a finding's key to fetch the object: <c>s3://bucket/prefix/</c>, or a folder's path with its slash.</summary>
    public required string Place { get; init; }

    /// <summary>The newest of the checkpoints below that was found intact now; null if none was.</summary>
    public CheckpointId? NewestIntact { get; init; }

    /// <summary>The worst outcome: damaged before incomplete before good.</summary>
    public required VerificationOutcome Outcome { get; init; }

    /// <summary>The checkpoints, oldest first.</summary>
    public required IReadOnlyList<VerifiedCheckpoint> Checkpoints { get; init; }
}
