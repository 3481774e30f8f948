namespace Checkpointer.Service.Journal;

/// <summary>What all entries up to and including one of them add up to, so that a replay can begin after it.</summary>
/// <param name="Sequence">The last entry that is part of it; 0 for the state before any entry.</param>
/// <param name="Version">Which version of the state's encoding; the journal gives it no meaning.</param>
/// <param name="State">The state's bytes, at most <see cref="JournalLimits.MaxSnapshotBytes"/>.</param>
internal sealed record JournalSnapshot(long Sequence, ushort Version, ReadOnlyMemory<byte> State);
