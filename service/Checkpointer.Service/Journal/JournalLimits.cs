namespace Checkpointer.Service.Journal;

/// <summary>The journal's limits; each holds at N and refuses N + 1.</summary>
internal static class JournalLimits
{
    /// <summary>The largest payload of one entry, in bytes: 2 MiB, well within a page of the log.</summary>
    public const int MaxPayloadBytes = 2 << 20;

    /// <summary>The largest state of one snapshot, in bytes: 1 GiB.</summary>
    public const int MaxSnapshotBytes = 1 << 30;

    /// <summary>How many snapshots are kept: the newest, and the one to fall back to should it be damaged.</summary>
    public const int KeptSnapshots = 2;
}
