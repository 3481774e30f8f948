namespace Checkpointer.Service.Journal;

/// <summary>Where the journal is and how large its parts are.</summary>
internal sealed record FasterLogJournalOptions
{
    /// <summary>Its folder, made if it does not exist.</summary>
    public required string Folder { get; init; }

    /// <summary>
    /// Page size as a power of two, 12 to 26; 22 (4 MiB) by default: the largest entry fits. A journal keeps
    /// the one it was made with.
    /// </summary>
    public byte PageSizeBits { get; init; } = 22;

    /// <summary>
    /// Size of one log file as a power of two, at least a page; 26 (64 MiB) by default. A journal keeps the one it was
    /// made with.
    /// </summary>
    public byte SegmentSizeBits { get; init; } = 26;
}
