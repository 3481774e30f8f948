namespace Checkpointer.Formats.Errors;

/// <summary>
/// Every named way in which an operation can fail. The same name, in snake_case, appears in HTTP problem details
/// (<c>code</c>), in logs, in the command line's messages and in the Python hooks.
/// </summary>
public enum ErrorCode
{
    /// <summary>A request that is not understood: malformed JSON, an id with path tricks, a value out of range.</summary>
    InvalidRequest,

    /// <summary>A body, header or field beyond its stated limit.</summary>
    LimitExceeded,

    /// <summary>No such run, checkpoint, snapshot, image or object.</summary>
    NotFound,

    /// <summary>The writer's attempt is not the run's current one: it was fenced out.</summary>
    StaleAttempt,

    /// <summary>A rank of an incarnation that a newer one has replaced.</summary>
    IncarnationSuperseded,

    /// <summary>Ranks of one incarnation disagree about the world, or a rank joined twice from two nodes.</summary>
    WorldMismatch,

    /// <summary>A step that was already reported by this attempt, now with other values.</summary>
    StepRepeated,

    /// <summary>A step that is not newer than the one before it.</summary>
    StepOutOfOrder,

    /// <summary>A layout that is no valid safetensors header, or whose placement contradicts its tensors.</summary>
    LayoutInvalid,

    /// <summary>A snapshot, image or restore that does not fit the layout registered for it.</summary>
    LayoutMismatch,

    /// <summary>Every slot still holds a snapshot that must not be given up yet.</summary>
    SlotBusy,

    /// <summary>The arena would not fit the agent's memory budget or the shared memory file system.</summary>
    MemoryBudgetExceeded,

    /// <summary>A seal of a slot that is not being filled with that step.</summary>
    SnapshotNotOpen,

    /// <summary>A seal of a slot into which fewer bytes were captured than the layout has.</summary>
    CaptureIncomplete,

    /// <summary>An arena file whose header does not check.</summary>
    ArenaCorrupt,

    /// <summary>Bytes that do not hash to what was sealed.</summary>
    ChunkCorrupt,

    /// <summary>A pack that is missing, truncated, or not the one its index names.</summary>
    PackCorrupt,

    /// <summary>An index that does not parse or check.</summary>
    IndexCorrupt,

    /// <summary>A manifest that does not parse or check.</summary>
    ManifestCorrupt,

    /// <summary>A journal entry that does not check, or is out of sequence.</summary>
    JournalCorrupt,

    /// <summary>A journal that ends before what it acknowledged, or does not know what the store has.</summary>
    JournalLost,

    /// <summary>The shards of a checkpoint do not make one whole model (missing, doubled or unequal slices).</summary>
    CheckpointIncoherent,

    /// <summary>A checkpoint that already exists with other contents, or was abandoned.</summary>
    CheckpointConflict,

    /// <summary>No source can give the bytes that a restore wants.</summary>
    RestoreImpossible,

    /// <summary>The service cannot be reached or is not ready.</summary>
    ServiceUnavailable,

    /// <summary>The object store cannot be reached or answered with a passing fault.</summary>
    StorageUnavailable,

    /// <summary>The object store asks to be asked less often (503 SlowDown, 429); transient.</summary>
    StorageThrottled,

    /// <summary>The object store does not let these credentials do that: wrong, expired, too few rights, or a clock that is off.</summary>
    StorageDenied,

    /// <summary>The object store has no room left.</summary>
    StorageFull,

    /// <summary>The object store refused or broke its contract.</summary>
    StorageFailed,

    /// <summary>An agent and the service use different object stores, so that one would not find what the other wrote.</summary>
    StoreMismatch,

    /// <summary>A setting that makes no sense, named in the message.</summary>
    ConfigurationInvalid,

    /// <summary>A bug: an invariant of this program does not hold.</summary>
    Internal,
}
