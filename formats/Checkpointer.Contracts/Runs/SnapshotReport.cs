using System.Text.Json;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Runs;

/// <summary><c>POST /v1/runs/{run}/snapshots</c>, agent to service: what became of one rank's snapshot of one step. Idempotent.</summary>
public sealed record SnapshotReport
{
    /// <summary>The writer's attempt.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>The step; the snapshot's id is this step with the writer's attempt.</summary>
    public required Step Step { get; init; }

    /// <summary>The rank.</summary>
    public required Rank Rank { get; init; }

    /// <summary>The node whose agent holds it.</summary>
    public required string Node { get; init; }

    /// <summary>Sealed, or why it never will be.</summary>
    public required SnapshotOutcome Outcome { get; init; }

    /// <summary>Whether this step is to become a durable checkpoint, or stays in memory only.</summary>
    public required bool Durable { get; init; }

    /// <summary>The sealed image; null unless sealed.</summary>
    public SealedImage? Image { get; init; }

    /// <summary>
    /// <c>data_cursor</c> of what the trainer saved beside the image, up to 4 KiB: where in the data it would go on. Null if it
    /// saved none, or unless sealed.
    /// </summary>
    public JsonElement? DataCursor { get; init; }

    /// <summary>Why it was refused or discarded, for people; null when sealed. Up to 1,024 characters.</summary>
    public string? Reason { get; init; }
}
