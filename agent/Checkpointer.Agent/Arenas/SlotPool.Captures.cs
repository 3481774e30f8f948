using System.Text;
using System.Text.Json;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Storage.CrashPoints;

namespace Checkpointer.Agent.Arenas;

/// <content>What a trainer asks for while it captures: a slot, its seal, or to give it up.</content>
internal sealed partial class SlotPool
{
    /// <summary>
    /// Gives the trainer a slot to fill. The same begin repeated while the slot is open gives the same slot. Errors:
    /// <see cref="ErrorCode.StaleAttempt"/>, <see cref="ErrorCode.StepOutOfOrder"/>, <see cref="ErrorCode.LayoutMismatch"/>,
    /// <see cref="ErrorCode.SlotBusy"/>, <see cref="ErrorCode.MemoryBudgetExceeded"/>; the last two are also reported to
    /// the service as refused. Asks the service for progress, at most <see cref="ArenaOptions.ProgressTimeout"/>, only if
    /// no slot is free.
    /// </summary>
    public async Task<SlotLocation> BeginAsync(BeginSnapshotRequest request, CancellationToken cancellationToken)
    {
        if (TryBegin(request, last: false) is { } slot)
        {
            return await GiveAsync(slot, request, cancellationToken);
        }

        using var timer = new CancellationTokenSource(context.Options.ProgressTimeout, context.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        var isToldOfProgress = false;
        try
        {
            if (await context.ProgressSource.FetchAsync(Run, both.Token) is { } progress)
            {
                isToldOfProgress = true;
                context.Observe(progress);
            }

            await PendingRefill().WaitAsync(both.Token);
            await EndCopiesAsync(request.Durable, both.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The service did not say in time, or no slot was made; then the slots are as busy as they were.
        }

        await GiveWayAsync(isToldOfProgress, cancellationToken);
        return await GiveAsync(TryBegin(request, last: true) ?? throw Refuse(request, isToldOfProgress), request, cancellationToken);
    }

    /// <summary>
    /// All bytes of <paramref name="step"/> are in its slot: hashing begins in the background. Repeating it changes
    /// nothing. Errors: <see cref="ErrorCode.SnapshotNotOpen"/>, <see cref="ErrorCode.CaptureIncomplete"/> (the slot stays
    /// open), <see cref="ErrorCode.StaleAttempt"/>, <see cref="ErrorCode.LimitExceeded"/> (extra),
    /// <see cref="ErrorCode.InvalidRequest"/> (extra is no object). An arena that somebody shortened is a failed status.
    /// </summary>
    public SnapshotStatus Seal(Step step, SealSnapshotRequest request)
    {
        var extra = ToUtf8(request.Extra);
        var checkpoint = new CheckpointId(step, request.Attempt);
        Slot slot;
        SnapshotStatus status;
        SnapshotReport? lost = null;
        lock (_gate)
        {
            RequireCurrent(request.Attempt);
            Touch();
            if (_slots.Find(s => s.Snapshot?.Checkpoint == checkpoint) is not { } found)
            {
                throw NotOpen(checkpoint);
            }

            slot = found;
            if (slot.State != SlotState.Open)
            {
                return slot.Snapshot!.Status;
            }

            // A trainer that was never given the slot cannot have filled it; hashing it could meet pages that do not exist.
            if (request.CapturedBytes != slot.Layout.ImageBytes || !slot.File.IsReserved)
            {
                throw new CheckpointerException(
                    ErrorCode.CaptureIncomplete,
                    $"{Name(checkpoint)} has {request.CapturedBytes} bytes captured; its layout has {slot.Layout.ImageBytes}, {(slot.File.IsReserved ? "all" : "not all")} in memory.");
            }

            if (slot.File.IsWhole)
            {
                slot.Capture(extra);
                slot.Snapshot!.Advance(SnapshotState.Captured);
            }
            else
            {
                lost = Abandon(slot, ErrorCode.ArenaCorrupt, $"'{slot.File.Path}' was shortened by somebody else.");
            }

            status = slot.Snapshot!.Status;
        }

        if (lost is not null)
        {
            context.Reporter.Report(Run, lost);
            return status;
        }

        CrashPoint.Reach(CrashPointNames.SnapshotCaptured);
        context.Seals.Enqueue(this, slot);
        return status;
    }

    /// <summary>
    /// Gives up a snapshot whose capture failed, and reports it as discarded, so that no rank waits for it. Changes
    /// nothing unless it is open: what is captured may become global through other ranks, so only the service gives that
    /// up. Returns how it stands then. Errors: <see cref="ErrorCode.StaleAttempt"/>, <see cref="ErrorCode.SnapshotNotOpen"/>
    /// (never begun here).
    /// </summary>
    public SnapshotStatus Discard(CheckpointId checkpoint)
    {
        SnapshotReport? report = null;
        SnapshotStatus status;
        lock (_gate)
        {
            RequireCurrent(checkpoint.Attempt);
            Touch();
            if (!_snapshots.TryGetValue(checkpoint, out var snapshot))
            {
                throw NotOpen(checkpoint);
            }

            if (_slots.Find(slot => IsOpenFor(slot, checkpoint)) is { } open)
            {
                report = Abandon(open, ErrorCode.CaptureIncomplete, "The trainer gave its capture up.");
            }

            status = snapshot.Status;
        }

        if (report is not null)
        {
            context.Reporter.Report(Run, report);
        }

        return status;
    }

    private static byte[] ToUtf8(JsonElement? extra)
    {
        if (extra is not { } value)
        {
            return [];
        }

        if (value.ValueKind != JsonValueKind.Object)
        {
            throw new CheckpointerException(ErrorCode.InvalidRequest, "The extra value of a seal must be a JSON object.");
        }

        var utf8 = Encoding.UTF8.GetBytes(value.GetRawText());
        return utf8.Length <= ArenaGeometry.MaxExtraBytes
            ? utf8
            : throw new CheckpointerException(
                ErrorCode.LimitExceeded,
                $"The extra value has {utf8.Length} bytes; it may have {ArenaGeometry.MaxExtraBytes}.");
    }

    private Slot? TryBegin(BeginSnapshotRequest request, bool last)
    {
        var checkpoint = new CheckpointId(request.Step, request.Attempt);
        SnapshotReport? abandoned = null;
        Slot? slot;
        lock (_gate)
        {
            RequireCurrent(request.Attempt);
            Touch();
            var layout = RequireLayout(request.Attempt, request.Layout);
            if (_slots.Find(s => s.State == SlotState.Open) is { } open)
            {
                if (open.Snapshot!.Checkpoint == checkpoint)
                {
                    return open;
                }

                abandoned = Abandon(open, ErrorCode.CaptureIncomplete, $"The trainer began step {request.Step} instead.");
            }

            RequireNewer(checkpoint);
            slot = TakeFree(ends: last, request.Durable);
            if (slot is not null || last)
            {
                _lastBegun = checkpoint;
            }

            if (slot is not null)
            {
                var snapshot = Remember(new Snapshot(checkpoint, request.Durable));
                SetLayout(slot, layout);
                slot.Fill(SlotEvent.Begin, snapshot, layout, _worldSize);
            }
        }

        if (abandoned is not null)
        {
            context.Reporter.Report(Run, abandoned);
        }

        if (slot is not null)
        {
            CrashPoint.Reach(CrashPointNames.SnapshotOpened);
        }

        return slot;
    }

    private CheckpointerException Refuse(BeginSnapshotRequest request, bool isToldOfProgress)
    {
        var checkpoint = new CheckpointId(request.Step, request.Attempt);
        CheckpointerException refusal;
        lock (_gate)
        {
            refusal = _refillFault is { } fault
                ? new CheckpointerException(fault.Code, $"{Name(checkpoint)} is refused: {fault.Message}", inner: fault)
                : new CheckpointerException(
                    ErrorCode.SlotBusy,
                    $"{Name(checkpoint)} is refused: no slot is free ({DescribeSlots()}). "
                    + Advise(isToldOfProgress));
        }

        context.Reporter.Report(Run, ToReport(checkpoint, SnapshotOutcome.Refused, request.Durable, refusal.Message));
        return refusal;
    }

    private string DescribeSlots() => _refilling
        ? "one is being prepared"
        : string.Join(", ", _slots.Select(slot => $"{slot.Snapshot?.Checkpoint} {DescribeUse(slot)}"));

    private static string DescribeUse(Slot slot) => slot switch
    {
        { State: SlotState.Open } => "is being filled",
        { State: SlotState.Captured } => "is being hashed",
        { Drain: DrainState.Pending } => "is not stored yet",
        { Copy: CopyState.Copying } => "is being copied to its peer, which is not finished",
        { Leases: > 0 } => "is being read",
        { Copy: CopyState.Copied } => "is copied to its peer, but not every rank's is",
        _ => "is the newest that all ranks may have",
    };

    private string Advise(bool isToldOfProgress) => (_slots.TrueForAll(slot => slot.Drain == DrainState.Pending), isToldOfProgress) switch
    {
        (true, _) => "All wait for the object store, which is away, refuses or is slower than saves come: this agent's log says what "
            + "holds it up. Saves go on once one is stored.",
        (_, true) => "Save less often, or give ranks more slots (--slots).",
        _ => "The service, which would say what need not be kept any more, did not answer.",
    };

    private Layout RequireLayout(Attempt attempt, string digest) =>
        _layout is { } layout && layout.Digest == digest && _registeredAttempt == attempt
            ? layout
            : throw new CheckpointerException(
                ErrorCode.LayoutMismatch,
                $"Layout {digest} is not the one registered for rank {Rank} of run {Run} by attempt {attempt}. Register it first.");

    private void RequireNewer(CheckpointId checkpoint)
    {
        var last = _progress is { ResumedFrom: { } resumed } && _progress.Attempt == checkpoint.Attempt ? resumed.Step : (Step?)null;
        if (_lastBegun is { } begun && begun.Attempt == checkpoint.Attempt && (last is null || begun.Step > last))
        {
            last = begun.Step;
        }

        if (last is { } bound && checkpoint.Step <= bound)
        {
            throw new CheckpointerException(
                ErrorCode.StepOutOfOrder, $"{Name(checkpoint)} is not newer than step {bound}, which came before it.");
        }
    }

    private CheckpointerException NotOpen(CheckpointId checkpoint) =>
        new(ErrorCode.SnapshotNotOpen, $"{Name(checkpoint)} is not being captured here. Begin it first.");
}
