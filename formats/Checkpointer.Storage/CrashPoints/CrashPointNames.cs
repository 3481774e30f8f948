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

    /// <summary>A put has made a folder but not yet synced the one above it.</summary>
    public const string FileFolderMade = "store.file.folder.made";

    /// <summary>A delete has removed a folder that it left empty.</summary>
    public const string FileFolderRemoved = "store.file.folder.removed";

    /// <summary>Opening a store has removed one file that a put left unfinished.</summary>
    public const string FileUnfinishedSwept = "store.file.unfinished.swept";

    /// <summary>A new store has got its identity; the journal does not know which repository it is yet.</summary>
    public const string RepositoryPut = "repository.put";

    /// <summary>A probe of the store has put what it deletes in the end.</summary>
    public const string ProbePut = "probe.put";

    /// <summary>The store was asked for its time by an object that is not deleted yet.</summary>
    public const string ProbeClockPut = "probe.clock.put";

    /// <summary>One object that a dead probe left was deleted.</summary>
    public const string ProbeStaleDeleted = "probe.stale.deleted";

    /// <summary>The journal has taken an entry but not yet committed it.</summary>
    public const string JournalAppended = "journal.appended";

    /// <summary>The journal has committed but not yet written its high-water mark.</summary>
    public const string JournalCommitted = "journal.committed";

    /// <summary>The journal's high-water mark is durable but nobody was told yet.</summary>
    public const string JournalMarked = "journal.marked";

    /// <summary>A commit record or the high-water mark is written to its file but not yet synced.</summary>
    public const string JournalSlotWritten = "journal.slot.written";

    /// <summary>The log was told to begin later; no commit says so yet.</summary>
    public const string JournalTruncated = "journal.truncated";

    /// <summary>Opening has raised the high-water mark to what the log holds beyond it.</summary>
    public const string JournalMarkRaised = "journal.mark.raised";

    /// <summary>A snapshot is saved; older ones are not deleted yet.</summary>
    public const string JournalSnapshotSaved = "journal.snapshot.saved";

    /// <summary>An older snapshot is deleted.</summary>
    public const string JournalSnapshotDeleted = "journal.snapshot.deleted";

    /// <summary>A small file of the data folder is written under another name but not yet synced.</summary>
    public const string DataFileWritten = "data.file.written";

    /// <summary>Such a file is synced but does not have its name yet.</summary>
    public const string DataFileSynced = "data.file.synced";

    /// <summary>Such a file has its name, but its folder is not synced yet.</summary>
    public const string DataFileNamed = "data.file.named";

    /// <summary>Opening the journal has deleted one such file that was left unfinished.</summary>
    public const string DataFileUnfinishedDeleted = "data.file.unfinished.deleted";

    /// <summary>The webhook's receiver has taken an incident; that is not on disk yet.</summary>
    public const string WebhookDelivered = "webhook.delivered";

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

    /// <summary>The attempt's record is in the store.</summary>
    public const string AttemptRecorded = "attempt.recorded";

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

    /// <summary>An incarnation is complete and what it resumes from is journaled; no rank was told yet.</summary>
    public const string PlanGranted = "plan.granted";

    /// <summary>A copy of another node's image is being read; nobody sees it yet.</summary>
    public const string ReplicaCopying = "replica.copying";

    /// <summary>A restore has begun; it has not looked at any source yet.</summary>
    public const string RestoreBegun = "restore.begun";

    /// <summary>A restore is rebuilding an image in a slot.</summary>
    public const string RestoreBuilding = "restore.building";

    /// <summary>The copy of an image is whole; nobody was told yet.</summary>
    public const string ReplicaHeld = "replica.held";

    /// <summary>An arena file has its length but no header.</summary>
    public const string ArenaCreated = "arena.created";

    /// <summary>A layout is written beside the arenas under another name.</summary>
    public const string ArenaLayoutWritten = "arena.layout.written";

    /// <summary>A layout has its name; no slot is of it yet.</summary>
    public const string ArenaLayoutNamed = "arena.layout.named";

    /// <summary>A layout that no slot is of any more is deleted.</summary>
    public const string ArenaLayoutDeleted = "arena.layout.deleted";

    /// <summary>Adoption has deleted one layout that no slot is of.</summary>
    public const string ArenaLayoutSwept = "arena.layout.swept";

    /// <summary>A trainer's extra value is written; the header does not say captured yet.</summary>
    public const string ArenaExtraWritten = "arena.extra.written";

    /// <summary>The chunk hashes are written; the header does not say sealed yet.</summary>
    public const string ArenaSealWritten = "arena.seal.written";

    /// <summary>A slot's header is written: reached at every change of a slot.</summary>
    public const string ArenaHeaderWritten = "arena.header.written";

    /// <summary>A slot that is given up has lost its file's name.</summary>
    public const string ArenaUnlinked = "arena.unlinked";

    /// <summary>Adoption has deleted an arena that it could not take over.</summary>
    public const string ArenaRefused = "arena.refused";

    /// <summary>A sweep has deleted one index of a save that was abandoned or fenced out.</summary>
    public const string SweepIndexDeleted = "sweep.index_deleted";

    /// <summary>A sweep has deleted one pack of such a save.</summary>
    public const string SweepPackDeleted = "sweep.pack_deleted";
}
