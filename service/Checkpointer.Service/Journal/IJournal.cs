namespace Checkpointer.Service.Journal;

/// <summary>
/// The append-only record of events from which the service's state is folded. Use: read the snapshot, replay what is
/// after it, then append. Two things are promised. Order: the sequence of an entry is its place in the order of
/// <see cref="Append"/> calls, and a replay gives exactly that order, without gaps. Durability: an entry whose
/// <see cref="WaitUntilDurableAsync"/> completed is in every later replay, or the journal refuses to open; a replay
/// may also give entries that were appended but never acknowledged, up to some point in that order.
/// <para>Thread-safe, except that the replay must be over before the first append.</para>
/// </summary>
internal interface IJournal : IAsyncDisposable
{
    /// <summary>The sequence of the newest entry appended or found at opening; 0 if there is none.</summary>
    long LastSequence { get; }

    /// <summary>
    /// Completes when the journal is disposed; faults with <see cref="JournalException"/> as soon as a write fails. Such
    /// a failure is final: every waiter and every later call gets it, and the host has to stop loudly and be restarted.
    /// </summary>
    Task Completion { get; }

    /// <summary>The newest snapshot that is whole, or null if none was ever saved.</summary>
    /// <exception cref="JournalException">The log no longer reaches back to the newest whole snapshot.</exception>
    Task<JournalSnapshot?> ReadSnapshotAsync(CancellationToken cancellationToken);

    /// <summary>
    /// The entries after sequence <paramref name="after"/> (0: all), in order, as of the call. May run more than once,
    /// but only before the first append.
    /// </summary>
    /// <exception cref="JournalException">An entry is missing or damaged.</exception>
    /// <exception cref="InvalidOperationException">Something was appended already.</exception>
    IAsyncEnumerable<JournalEntry> ReplayAsync(long after, CancellationToken cancellationToken);

    /// <summary>
    /// Takes the next sequence and the payload's bytes (copied: the caller may reuse its buffer). Returns at once, before
    /// the entry is durable; blocks only while the log's memory is full and a page is being written.
    /// </summary>
    /// <param name="type">The kind of entry, the caller's own.</param>
    /// <param name="version">The version of its encoding, the caller's own.</param>
    /// <param name="payload">At most <see cref="JournalLimits.MaxPayloadBytes"/> bytes.</param>
    /// <exception cref="Formats.Errors.CheckpointerException">The payload is beyond its limit (LimitExceeded).</exception>
    /// <exception cref="JournalException">A write failed earlier.</exception>
    JournalPosition Append(ushort type, ushort version, ReadOnlySpan<byte> payload);

    /// <summary>
    /// Completes when the entry and all before it are durable and covered by the high-water mark. Entries appended by
    /// many callers become durable together. Cancelling gives up the wait, not the entry.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">No such entry was appended.</exception>
    /// <exception cref="JournalException">A write failed.</exception>
    Task WaitUntilDurableAsync(long sequence, CancellationToken cancellationToken);

    /// <summary>
    /// Saves a snapshot durably, once its last entry is durable. The newest <see cref="JournalLimits.KeptSnapshots"/> are
    /// kept. Must be newer than the last one.
    /// </summary>
    Task SaveSnapshotAsync(JournalSnapshot snapshot, CancellationToken cancellationToken);

    /// <summary>
    /// Lets go of entries below <paramref name="sequence"/>, as far as they fill whole files. Entries that the oldest kept
    /// snapshot does not cover are never let go, whatever is asked, and none before <see cref="JournalLimits.KeptSnapshots"/>
    /// are kept: one snapshot that goes bad loses nothing.
    /// </summary>
    void TruncateBefore(long sequence);
}
