namespace Checkpointer.Service.Journal;

/// <summary>One entry, as it was appended.</summary>
/// <param name="Sequence">Its place, from 1, without gaps.</param>
/// <param name="Type">What kind of thing it says; the journal gives it no meaning.</param>
/// <param name="Version">Which version of that kind's encoding; the journal gives it no meaning.</param>
/// <param name="Payload">Its bytes: a copy of its own, the receiver's to keep.</param>
internal readonly record struct JournalEntry(long Sequence, ushort Type, ushort Version, ReadOnlyMemory<byte> Payload);
