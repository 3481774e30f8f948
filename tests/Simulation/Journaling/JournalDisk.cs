using Checkpointer.Service.Journal;

namespace Checkpointer.Simulation.Journaling;

/// <summary>What the service's disk has of its journal; outlives the processes that write it.</summary>
internal sealed class JournalDisk
{
    /// <summary>Entries, durable or still only written.</summary>
    public List<JournalEntry> Entries { get; } = [];

    public List<JournalSnapshot> Snapshots { get; } = [];

    /// <summary>The newest entry that was made durable, and so may have been acknowledged.</summary>
    public long Durable { get; set; }

    public long LastSequence => Entries.Count > 0 ? Entries[^1].Sequence : 0;

    /// <summary>
    /// The process has died: entries that were not durable are there up to a point that chance decides. Returns how many are lost.
    /// </summary>
    public int Crash(Random random)
    {
        var open = (int)(LastSequence - Durable);
        var lost = open == 0 ? 0 : random.Next(open + 1);
        Entries.RemoveRange(Entries.Count - lost, lost);
        Durable = LastSequence;
        return lost;
    }
}
