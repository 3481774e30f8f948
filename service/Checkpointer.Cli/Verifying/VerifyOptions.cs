using Checkpointer.Formats.Identity;
using Checkpointer.Storage;

namespace Checkpointer.Cli.Verifying;

/// <summary>What <c>checkpointer verify</c> is told.</summary>
internal sealed record VerifyOptions
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>Which of its checkpoints.</summary>
    public required CheckpointChoice Choice { get; init; }

    /// <summary>Where they are.</summary>
    public required StoreOptions Store { get; init; }

    /// <summary>The service that is to record the results; null: none.</summary>
    public Uri? Service { get; init; }

    /// <summary>Whether the result is for a script.</summary>
    public bool Json { get; init; }

    /// <summary>Reads at the same time.</summary>
    public required int Parallelism { get; init; }

    /// <summary>Most bytes to read a second; null: no limit.</summary>
    public long? BytesPerSecond { get; init; }
}
