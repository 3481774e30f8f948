using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Agent.Arenas;

/// <summary>The slots of one rank and the snapshots in them. Thread-safe.</summary>
internal sealed class SlotPool
{
    /// <summary>The run.</summary>
    public RunId Run => throw new NotSupportedException();

    /// <summary>The rank.</summary>
    public Rank Rank => throw new NotSupportedException();

    /// <summary>The registered layout; null before any.</summary>
    public Layout? Layout => throw new NotSupportedException();

    /// <summary>
    /// Makes <paramref name="layout"/> the one that snapshots have. Slots of the right size are kept; others go as soon
    /// as the release rule lets them; new ones are reserved before this returns (so that touching them cannot fail) and
    /// pre-faulted in the background. Errors: <see cref="ErrorCode.StaleAttempt"/>,
    /// <see cref="ErrorCode.MemoryBudgetExceeded"/> (nothing is changed then).
    /// </summary>
    public Task<RegisterLayoutResponse> RegisterAsync(
        Attempt attempt, int worldSize, Layout layout, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    /// <summary>
    /// Gives the trainer a slot to fill. The same begin repeated while the slot is open gives the same slot. Errors:
    /// <see cref="ErrorCode.StaleAttempt"/>, <see cref="ErrorCode.StepOutOfOrder"/>, <see cref="ErrorCode.LayoutMismatch"/>,
    /// <see cref="ErrorCode.SlotBusy"/>, <see cref="ErrorCode.MemoryBudgetExceeded"/>; the last two are also reported to
    /// the service as refused. Asks the service for progress, at most <see cref="ArenaOptions.ProgressTimeout"/>, only if
    /// no slot is free.
    /// </summary>
    public Task<SlotLocation> BeginAsync(BeginSnapshotRequest request, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    /// <summary>
    /// All bytes of <paramref name="step"/> are in its slot: hashing begins in the background. Repeating it changes
    /// nothing. Errors: <see cref="ErrorCode.SnapshotNotOpen"/>, <see cref="ErrorCode.CaptureIncomplete"/> (the slot stays
    /// open), <see cref="ErrorCode.StaleAttempt"/>, <see cref="ErrorCode.LimitExceeded"/> (extra),
    /// <see cref="ErrorCode.InvalidRequest"/> (extra is no object).
    /// </summary>
    public SnapshotStatus Seal(Step step, SealSnapshotRequest request) => throw new NotSupportedException();

    /// <summary>
    /// Where a snapshot stands, once <paramref name="until"/> or a final state is reached or <paramref name="wait"/> is
    /// over. <see cref="ErrorCode.NotFound"/> if the pool does not know it (any more).
    /// </summary>
    public Task<SnapshotStatus> StatusAsync(
        CheckpointId checkpoint, SnapshotState until, TimeSpan wait, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    /// <summary>Gives up a snapshot that is open, captured or sealed and not yet durable, and reports it as discarded. False if there is none.</summary>
    public bool Discard(CheckpointId checkpoint, string reason) => throw new NotSupportedException();

    /// <summary>A right to read the sealed image of <paramref name="checkpoint"/>; null if no slot holds it.</summary>
    public SlotLease? TryLease(CheckpointId checkpoint) => throw new NotSupportedException();

    /// <summary>
    /// A slot in which to rebuild <paramref name="checkpoint"/> in the registered layout. Waits while slots are being
    /// reserved or readers end; never takes the slot of an image that must be kept. Errors: as
    /// <see cref="BeginAsync"/>.
    /// </summary>
    public Task<RestoreSlot> OpenForRestoreAsync(
        Attempt attempt, CheckpointId checkpoint, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    /// <summary>Sealed images that can be offered to others.</summary>
    public IReadOnlyList<Holding> Holdings => throw new NotSupportedException();
}
