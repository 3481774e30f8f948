using Checkpointer.Contracts.Agents;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Arenas;

/// <summary>All slots of the node. Thread-safe.</summary>
internal sealed class NodeArenas
{
    /// <summary>
    /// Re-adopts what an earlier process left in the arena folder. Call once, before anything else and before the API
    /// listens. Sealed images are held again at once, captured ones are hashed, drains go on; each is reported anew.
    /// </summary>
    public Task AdoptAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>The pool of that rank, made empty if there is none.</summary>
    public SlotPool GetOrAdd(RunId run, Rank rank) => throw new NotSupportedException();

    /// <summary>The pool of that rank, or null.</summary>
    public SlotPool? Find(RunId run, Rank rank) => throw new NotSupportedException();

    /// <summary>A right to read that sealed image; null if it is not held.</summary>
    public SlotLease? TryLease(RunId run, Rank rank, CheckpointId checkpoint) => throw new NotSupportedException();

    /// <summary>
    /// Takes in what the service says of a run (from heartbeats, from joins as they are granted, from progress calls):
    /// frees slots, ends drains that were given up, fences out older attempts. Older news than what is known changes
    /// nothing.
    /// </summary>
    public void Observe(RunProgress progress) => throw new NotSupportedException();

    /// <summary>Frees everything of a run, as its readers end. For a run that the service does not know any more.</summary>
    public void Drop(RunId run) => throw new NotSupportedException();

    /// <summary>Runs that have slots here.</summary>
    public IReadOnlyList<RunId> Runs => throw new NotSupportedException();

    /// <summary>Every sealed image that can be offered to others.</summary>
    public IReadOnlyList<Holding> Holdings => throw new NotSupportedException();

    /// <summary>Drains that wait or run.</summary>
    public int PendingDrains => throw new NotSupportedException();
}
