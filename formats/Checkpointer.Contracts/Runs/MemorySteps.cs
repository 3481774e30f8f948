using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary>What live agents hold of a run in memory (<c>GET /v1/runs/{run}/memory</c>).</summary>
public sealed record MemorySteps
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>Its current attempt; null before the first was granted.</summary>
    public Attempt? Attempt { get; init; }

    /// <summary>Newest step of the current lineage of which every rank's image has a live holder; null if none.</summary>
    public CheckpointId? RecoverableFromMemory { get; init; }

    /// <summary>Newest globally sealed step that outlives the loss of any one node, as agents were told; null if none.</summary>
    public CheckpointId? Protected { get; init; }

    /// <summary>The steps of the current lineage of which anything is held, oldest first.</summary>
    public required IReadOnlyList<MemoryStep> Steps { get; init; }
}
