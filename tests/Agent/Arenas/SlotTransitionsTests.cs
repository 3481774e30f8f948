using Checkpointer.Agent.Arenas;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Agent.Tests.Arenas;

public sealed class SlotTransitionsTests
{
    private static readonly Dictionary<(SlotState, SlotEvent), SlotState> Allowed = new()
    {
        [(SlotState.Free, SlotEvent.Begin)] = SlotState.Open,
        [(SlotState.Free, SlotEvent.Rebuild)] = SlotState.Rebuilding,
        [(SlotState.Open, SlotEvent.Capture)] = SlotState.Captured,
        [(SlotState.Rebuilding, SlotEvent.Seal)] = SlotState.Sealed,
        [(SlotState.Rebuilding, SlotEvent.Release)] = SlotState.Free,
        [(SlotState.Captured, SlotEvent.Seal)] = SlotState.Sealed,
        [(SlotState.Captured, SlotEvent.Damage)] = SlotState.Failed,
        [(SlotState.Sealed, SlotEvent.Damage)] = SlotState.Failed,
        [(SlotState.Sealed, SlotEvent.Release)] = SlotState.Free,
        [(SlotState.Failed, SlotEvent.Release)] = SlotState.Free,
    };

    [Fact]
    public void Next_EveryPair_IsAllowedOrABug()
    {
        foreach (var state in Enum.GetValues<SlotState>())
        {
            foreach (var happening in Enum.GetValues<SlotEvent>())
            {
                if (Allowed.TryGetValue((state, happening), out var next))
                {
                    Assert.Equal(next, SlotTransitions.Next(state, happening));
                }
                else
                {
                    Assert.Throws<InvariantViolationException>(() => SlotTransitions.Next(state, happening));
                }
            }
        }
    }
}
