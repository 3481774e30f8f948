using Checkpointer.Agent.Arenas;

namespace Checkpointer.Agent.Draining;

/// <summary>One image on its way to storage. Whoever runs the job disposes the lease.</summary>
internal sealed class DrainJob(SlotPool pool, SlotLease lease)
{
    public SlotPool Pool { get; } = pool;

    public SlotLease Lease { get; } = lease;

    /// <summary>Fires when the snapshot is given up or its run dropped.</summary>
    public CancellationToken GivenUp { get; } = lease.Slot.DrainEnd!.Token;
}
