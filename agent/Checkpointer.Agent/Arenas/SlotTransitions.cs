using Checkpointer.Formats.Errors;

namespace Checkpointer.Agent.Arenas;

/// <summary>The whole life cycle of a slot.</summary>
internal static class SlotTransitions
{
    /// <summary>The state after <paramref name="happening"/>; anything not listed is a bug.</summary>
    public static SlotState Next(SlotState state, SlotEvent happening) => (state, happening) switch
    {
        (SlotState.Free, SlotEvent.Begin) => SlotState.Open,
        (SlotState.Free, SlotEvent.Rebuild) => SlotState.Rebuilding,
        (SlotState.Open, SlotEvent.Capture) => SlotState.Captured,
        (SlotState.Captured, SlotEvent.Seal) => SlotState.Sealed,
        (SlotState.Captured, SlotEvent.Damage) => SlotState.Failed,
        (SlotState.Rebuilding, SlotEvent.Seal) => SlotState.Sealed,
        (SlotState.Rebuilding, SlotEvent.Release) => SlotState.Free,
        (SlotState.Sealed, SlotEvent.Damage) => SlotState.Failed,
        (SlotState.Sealed, SlotEvent.Release) => SlotState.Free,
        (SlotState.Failed, SlotEvent.Release) => SlotState.Free,
        _ => throw new InvariantViolationException($"A slot that is {state} cannot meet {happening}."),
    };
}
