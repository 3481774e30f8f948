using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>From where an attempt resumes: one step for all ranks, and for each source rank who has its bytes.</summary>
public sealed record RecoveryPlan
{
    /// <summary>
    /// Which plan of its attempt it is: 1, and one more each time that a rank could not carry it out. 0 in what a service
    /// wrote that knew of one only.
    /// </summary>
    public int Number { get; init; }

    /// <summary>The checkpoint or memory-consistent snapshot that all ranks restore; null: start from scratch (step 0).</summary>
    public CheckpointId? ResumeFrom { get; init; }

    /// <summary>One sentence for operators: why this step, and what newer ones were passed over and why.</summary>
    public required string Reason { get; init; }

    /// <summary>Per rank of the world that took it (not necessarily today's world size) its image and sources; empty when starting from scratch.</summary>
    public required IReadOnlyList<ImageSources> Images { get; init; }
}
