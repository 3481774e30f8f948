using System.Text.Json;
using Checkpointer.Agent.Arenas;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Restoring;

/// <summary>A restore that succeeded. The lease keeps the slot until the trainer has moved on.</summary>
internal sealed record RestoreOutcome(CheckpointId Checkpoint, SlotLease Lease, JsonElement? Extra, RestoreJournal Journal)
{
    /// <summary>Number of the plan that it carried out.</summary>
    public int Plan { get; init; } = 1;
}
