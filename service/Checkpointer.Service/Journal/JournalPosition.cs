namespace Checkpointer.Service.Journal;

/// <summary>Where an entry is in the journal. The first entry's <paramref name="Sequence"/> is 1; each next one's is one more.</summary>
internal readonly record struct JournalPosition(long Sequence);
