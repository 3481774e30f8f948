using Checkpointer.Contracts.Replicas;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Agents;

/// <summary>What an agent must know of a run to decide which slots it may reuse and which drains still matter.</summary>
public sealed record RunProgress
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>The run's current attempt; older ones are fenced out.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>
    /// Whether the current attempt is fenced out too: the run was rolled back, and goes on with the next attempt. All that
    /// its ranks still write is refused as <c>stale_attempt</c>.
    /// </summary>
    public bool Fenced { get; init; }

    /// <summary>Newest snapshot of the current lineage that every rank has sealed; null if none.</summary>
    public CheckpointId? GloballySealed { get; init; }

    /// <summary>What the current attempt resumed from; its drain goes on. Null if it started from scratch.</summary>
    public CheckpointId? ResumedFrom { get; init; }

    /// <summary>Sealed or open snapshots that can no longer become global: their slots are free. Newest 64.</summary>
    public required IReadOnlyList<CheckpointId> GivenUp { get; init; }

    /// <summary>
    /// Given up as well, though no longer in the list: whatever the current attempt took up to this step that is newer than
    /// <see cref="GloballySealed"/>. Null while the list has everything.
    /// </summary>
    public Step? GivenUpThrough { get; init; }

    /// <summary>Newest committed checkpoint of the current lineage; null if none.</summary>
    public CheckpointId? Committed { get; init; }

    /// <summary>
    /// Newest globally sealed snapshot that outlives the loss of any one node, because every rank's image lies on two; the
    /// newest globally sealed one if nobody has a peer. Never goes back within a plan. Null if none, or not known.
    /// </summary>
    public CheckpointId? Protected { get; init; }

    /// <summary>Whereto the asking agent is to copy its ranks' images; null: nowhere (no peer, or the asker is not known).</summary>
    public ReplicaPeer? Peer { get; init; }

    /// <summary>
    /// Which of the attempt's plans this is about: <see cref="RecoveryPlan.Number"/>. What was told of an earlier one no
    /// longer holds.
    /// </summary>
    public int Plan { get; init; }

    /// <summary>Whether a snapshot can no longer become global.</summary>
    public bool IsGivenUp(CheckpointId snapshot) => GivenUp.Contains(snapshot)
        || (snapshot.Attempt == Attempt && snapshot.Step <= GivenUpThrough
            && !(snapshot.Step <= GloballySealed?.Step));
}
