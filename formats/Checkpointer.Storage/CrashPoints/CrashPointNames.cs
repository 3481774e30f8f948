namespace Checkpointer.Storage.CrashPoints;

/// <summary>
/// Every crash point there is. A test reads this list and kills a process at each in turn, so a durable write added
/// without a test of its crash shows.
/// </summary>
public static class CrashPointNames
{
    /// <summary>A put has written its temporary file but not yet synced it.</summary>
    public const string FilePutWritten = "store.file.put.written";

    /// <summary>A put has synced its temporary file but not yet given it its name.</summary>
    public const string FilePutSynced = "store.file.put.synced";

    /// <summary>A put has given the file its name but not yet synced the folder.</summary>
    public const string FilePutNamed = "store.file.put.named";

    /// <summary>A delete has removed the file but not yet synced the folder.</summary>
    public const string FileDeleteRemoved = "store.file.delete.removed";

    /// <summary>The journal has taken an entry but not yet committed it.</summary>
    public const string JournalAppended = "journal.appended";

    /// <summary>The journal has committed but not yet written its high-water mark.</summary>
    public const string JournalCommitted = "journal.committed";

    /// <summary>The journal's high-water mark is durable but nobody was told yet.</summary>
    public const string JournalMarked = "journal.marked";

    /// <summary>A shard report is journaled; the commit has not begun.</summary>
    public const string CommitShardsComplete = "commit.shards_complete";

    /// <summary>The shards were checked; the manifest is not written yet.</summary>
    public const string CommitChecked = "commit.checked";

    /// <summary>The manifest is written; the journal does not know yet.</summary>
    public const string CommitManifestPut = "commit.manifest_put";

    /// <summary>The commit is journaled.</summary>
    public const string CommitJournaled = "commit.journaled";

    /// <summary>The attempt is granted and journaled; its record is not in the store yet.</summary>
    public const string AttemptGranted = "attempt.granted";

    /// <summary>A slot was opened for a snapshot.</summary>
    public const string SnapshotOpened = "snapshot.opened";

    /// <summary>A slot's header says captured; nothing is hashed yet.</summary>
    public const string SnapshotCaptured = "snapshot.captured";

    /// <summary>A slot's header says sealed; the service was not told yet.</summary>
    public const string SnapshotSealed = "snapshot.sealed";

    /// <summary>A drain has begun.</summary>
    public const string DrainBegun = "drain.begun";

    /// <summary>A drain has put its layout.</summary>
    public const string DrainLayoutPut = "drain.layout_put";

    /// <summary>A drain has put one pack.</summary>
    public const string DrainPackPut = "drain.pack_put";

    /// <summary>A drain has put all packs but not its index.</summary>
    public const string DrainPacksPut = "drain.packs_put";

    /// <summary>A drain has put its index; the service was not told yet.</summary>
    public const string DrainIndexPut = "drain.index_put";

    /// <summary>The service has acknowledged the shard; the slot's drain is not marked finished yet.</summary>
    public const string DrainReported = "drain.reported";

    /// <summary>A restore is rebuilding an image in a slot.</summary>
    public const string RestoreBuilding = "restore.building";

    /// <summary>A sweep has deleted one index of a save that was abandoned or fenced out.</summary>
    public const string SweepIndexDeleted = "sweep.index_deleted";

    /// <summary>A sweep has deleted one pack of such a save.</summary>
    public const string SweepPackDeleted = "sweep.pack_deleted";
}
