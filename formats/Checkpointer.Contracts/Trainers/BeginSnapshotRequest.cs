using Checkpointer.Formats.Identity;

namespace Checkpointer.Contracts.Trainers;

/// <summary>
/// <c>POST /v1/runs/{run}/ranks/{rank}/snapshots</c>, trainer to agent: asks for a slot to fill. Answered at once with
/// the slot (<see cref="SlotLocation"/>), or with a problem that says why not (<c>slot_busy</c>,
/// <c>memory_budget_exceeded</c>, <c>layout_mismatch</c>, <c>stale_attempt</c>, <c>step_out_of_order</c>).
/// </summary>
public sealed record BeginSnapshotRequest
{
    /// <summary>The trainer's attempt.</summary>
    public required Attempt Attempt { get; init; }

    /// <summary>The step whose state is captured; newer than the rank's last one.</summary>
    public required Step Step { get; init; }

    /// <summary>The registered layout that the capture will have.</summary>
    public required string Layout { get; init; }

    /// <summary>Whether it is to become a durable checkpoint, or to stay in memory only.</summary>
    public bool Durable { get; init; } = true;
}
