using System.Diagnostics;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Hosting;
using Checkpointer.Service.Journal;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Events;
using Checkpointer.Service.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Coordination;

/// <summary>
/// The shell around the pure core: decides commands one at a time, journals what they come to, and answers when that is
/// durable. What is read of a run waits likewise, so nobody ever sees what a crash could take back. Thread-safe.
/// </summary>
internal sealed partial class RunHost : IHostedService
{
    private const string MayBeKept = "The service is going down; what was asked may or may not be kept. Try again.";

    private readonly JournalOpener _open;
    private readonly RunOptions _runOptions;
    private readonly RunChanges _changes;
    private readonly TimeProvider _timeProvider;
    private readonly ServiceMetrics _metrics;
    private readonly ILogger<RunHost> _logger;
    private readonly TaskCompletionSource _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Deciding, appending and applying are one step: the journal's order is the order of the fold, for all runs.
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, RunSlot> _slots = new(StringComparer.Ordinal);
    private IJournal? _journal;
    private Exception? _failure;
    private long _snapshotSequence;
    private int _pendingCommands;

    public RunHost(
        JournalOpener open,
        ServiceOptions options,
        RunChanges changes,
        TimeProvider timeProvider,
        ServiceMetrics metrics,
        ILogger<RunHost> logger)
    {
        _open = open;
        _runOptions = new RunOptions { CheckpointDeadline = options.CheckpointDeadline };
        _changes = changes;
        _timeProvider = timeProvider;
        _metrics = metrics;
        _logger = logger;
        metrics.Observe(this);
    }

    /// <summary>Whether commands are taken.</summary>
    public bool IsReady => _journal is { Completion.IsCompleted: false } && _failure is null;

    /// <summary>Faults when nothing more can be promised: the process has to stop and be started again.</summary>
    public Task Completion { get; private set; } = Task.CompletedTask;

    /// <summary>Entries that a replay would have to read.</summary>
    public long EntriesSinceSnapshot => (_journal?.LastSequence ?? 0) - Interlocked.Read(ref _snapshotSequence);

    /// <summary>Opens the journal and replays it. No request is answered before this is over.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var began = _timeProvider.GetTimestamp();
        var journal = await _open(cancellationToken).ConfigureAwait(false);
        try
        {
            await ReplayAsync(journal, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await journal.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        _journal = journal;
        Completion = EndAsync(journal);
        LogReplayed(_slots.Count, journal.LastSequence, _timeProvider.GetElapsedTime(began));
        foreach (var run in _slots.Values.Select(slot => slot.State.Run))
        {
            _changes.Mark(run);
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_journal is not null)
        {
            await _journal.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Decides <paramref name="command"/> and returns its answer once it is durable, or throws its refusal as
    /// <see cref="CheckpointerException"/>. Cancelling gives up the wait; what was decided stays. Refused as <c>service_unavailable</c> while too many wait.
    /// </summary>
    public async Task<TAnswer> TakeAsync<TAnswer>(
        RunId run, RunCommand<TAnswer> command, CancellationToken cancellationToken)
        where TAnswer : class
    {
        if (Interlocked.Increment(ref _pendingCommands) > CoordinationLimits.MaxPendingCommands)
        {
            _ = Interlocked.Decrement(ref _pendingCommands);
            throw Unavailable($"More than {CoordinationLimits.MaxPendingCommands} calls are waiting. Try again.");
        }

        try
        {
            return await ExecuteAsync(run, command, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _ = Interlocked.Decrement(ref _pendingCommands);
        }
    }

    /// <summary>The same for the service's own loops, which no number of callers may hold up.</summary>
    public async Task<TAnswer> ExecuteAsync<TAnswer>(
        RunId run, RunCommand<TAnswer> command, CancellationToken cancellationToken)
        where TAnswer : class
    {
        var began = Stopwatch.GetTimestamp();
        var name = command.GetType().Name;
        using var span = ServiceTelemetry.Spans.StartActivity(name)?.SetTag("checkpointer.run", run.Value);
        var (decision, sequence) = DecideAndAppend(run, command);
        if (decision.Events.Count > 0)
        {
            // Before the wait, which the caller may give up: the loops must hear of it whatever becomes of the caller.
            // What they read waits for the journal itself.
            _changes.Mark(run);
            _metrics.CountEvents(decision.Events);
        }

        await WaitAsync(sequence, cancellationToken).ConfigureAwait(false);
        _metrics.CountCommand(name, decision.Refusal?.Code, Stopwatch.GetElapsedTime(began));
        return decision.AnswerOrThrow();
    }

    /// <summary>What <paramref name="query"/> says of a run, once all it may rest on is durable.</summary>
    public async Task<T> ReadAsync<T>(RunId run, Func<RunState, T> query, CancellationToken cancellationToken) =>
        await TryReadAsync(run, query, cancellationToken).ConfigureAwait(false) is (true, var value)
            ? value!
            : throw new CheckpointerException(
                ErrorCode.NotFound, $"There is no run '{run}': none of its ranks has joined yet. Check the name.");

    /// <summary>The same, for a run that may not exist.</summary>
    public async Task<(bool Exists, T? Value)> TryReadAsync<T>(
        RunId run, Func<RunState, T> query, CancellationToken cancellationToken)
    {
        T value;
        long sequence;
        lock (_gate)
        {
            ThrowIfUnusable();
            if (!_slots.TryGetValue(run.Value, out var slot))
            {
                return (false, default);
            }

            value = query(slot.State);
            sequence = slot.Sequence;
        }

        await WaitAsync(sequence, cancellationToken).ConfigureAwait(false);
        return (true, value);
    }

    /// <summary>Runs by name, at most <paramref name="limit"/> after <paramref name="after"/>.</summary>
    public Task<Page<RunSummary>> ListRunsAsync(string? after, int limit, CancellationToken cancellationToken) =>
        ListRunsAsync(after, limit, static state => state.Summarise(), cancellationToken);

    /// <summary>The same, each as <paramref name="summarise"/> says.</summary>
    public async Task<Page<RunSummary>> ListRunsAsync(
        string? after, int limit, Func<RunState, RunSummary> summarise, CancellationToken cancellationToken)
    {
        List<RunSummary> items;
        long sequence;
        bool more;
        lock (_gate)
        {
            ThrowIfUnusable();
            var slots = _slots.Where(slot => string.CompareOrdinal(slot.Key, after) > 0).Take(limit + 1).ToList();
            more = slots.Count > limit;
            items = [.. slots.Take(limit).Select(slot => summarise(slot.Value.State))];
            sequence = slots.Count > 0 ? slots.Max(slot => slot.Value.Sequence) : 0;
        }

        await WaitAsync(sequence, cancellationToken).ConfigureAwait(false);
        return new Page<RunSummary> { Items = items, Next = more ? items[^1].Run.Value : null };
    }

    /// <summary>Summaries of all runs as they are applied, durable or not: for gauges only.</summary>
    public IReadOnlyList<RunSummary> Observe()
    {
        lock (_gate)
        {
            return [.. _slots.Values.Select(slot => slot.State.Summarise())];
        }
    }

    /// <summary>Completes at the next grant of the run or when another incarnation takes its barrier over.</summary>
    public Task BarrierMoved(RunId run)
    {
        lock (_gate)
        {
            return _slots.TryGetValue(run.Value, out var slot) ? slot.BarrierMoved : Task.CompletedTask;
        }
    }

    /// <summary>Completes when the restore barrier of the run's attempt moves; see <see cref="RunSlot.RestoreMoved"/>.</summary>
    public Task RestoreMoved(RunId run)
    {
        lock (_gate)
        {
            return _slots.TryGetValue(run.Value, out var slot) ? slot.RestoreMoved : Task.CompletedTask;
        }
    }

    /// <summary>Saves the state of all runs, so that a replay begins here, and lets go of the log before it.</summary>
    public async Task SaveSnapshotAsync(CancellationToken cancellationToken)
    {
        List<SavedRun> runs;
        long sequence;
        IJournal journal;
        lock (_gate)
        {
            ThrowIfUnusable();
            journal = _journal!;
            runs = [.. _slots.Values.Select(slot => slot.State.ToSnapshot())];
            sequence = journal.LastSequence;
        }

        var snapshot = new JournalSnapshot(sequence, SavedRunCodec.SnapshotVersion, SavedRunCodec.Encode(runs));
        await journal.SaveSnapshotAsync(snapshot, cancellationToken).ConfigureAwait(false);
        _ = Interlocked.Exchange(ref _snapshotSequence, sequence);
        journal.TruncateBefore(sequence);
        LogSnapshotSaved(sequence, snapshot.State.Length);
    }

    private static CheckpointerException Unavailable(string message, Exception? inner = null) =>
        new(ErrorCode.ServiceUnavailable, message, isTransient: true, inner);

    private (Decision<TAnswer> Decision, long Sequence) DecideAndAppend<TAnswer>(RunId run, RunCommand<TAnswer> command)
        where TAnswer : class
    {
        lock (_gate)
        {
            ThrowIfUnusable();
            var known = _slots.TryGetValue(run.Value, out var found);
            if (!known && _slots.Count >= CoordinationLimits.MaxRuns)
            {
                throw new CheckpointerException(
                    ErrorCode.LimitExceeded, $"There are {CoordinationLimits.MaxRuns} runs already; '{run}' would be one more.");
            }

            var slot = found ?? new RunSlot(new RunState(run, _runOptions));
            var decision = slot.State.Decide(command, _timeProvider.GetUtcNow());
            if (decision.Events.Count > 0)
            {
                AppendAndApply(slot, decision.Events);
                _slots[run.Value] = slot;
            }

            // Also an answer without events rests on earlier ones that may not be durable yet.
            return (decision, slot.Sequence);
        }
    }

    private async Task EndAsync(IJournal journal) =>
        await (await Task.WhenAny(journal.Completion, _failed.Task).ConfigureAwait(false)).ConfigureAwait(false);

    private void AppendAndApply(RunSlot slot, IReadOnlyList<RunEvent> events)
    {
        var entries = RunEventCodec.Encode(slot.State.Run, events);
        try
        {
            foreach (var entry in entries)
            {
                slot.Sequence = _journal!.Append(RunEventCodec.JournalType, RunEventCodec.JournalVersion, entry).Sequence;
            }

            foreach (var happened in events)
            {
                slot.Apply(happened);
            }
        }
        catch (Exception e)
        {
            // The journal and the state may say different things now; only a replay makes them one again.
            _failure = e;
            _ = _failed.TrySetException(e);
            LogFailed(e, slot.State.Run);

            // To the caller a journal that fails is a service that is down: what was asked is asked again of the next one.
            if (e is JournalException or ObjectDisposedException)
            {
                throw Unavailable(MayBeKept, e);
            }

            throw;
        }
    }

    private async Task ReplayAsync(IJournal journal, CancellationToken cancellationToken)
    {
        var snapshot = await journal.ReadSnapshotAsync(cancellationToken).ConfigureAwait(false);
        if (snapshot is not null)
        {
            if (snapshot.Version != SavedRunCodec.SnapshotVersion)
            {
                throw new CheckpointerException(
                    ErrorCode.JournalCorrupt,
                    $"The journal's snapshot is of version {snapshot.Version}; this program knows {SavedRunCodec.SnapshotVersion}. Start the newer program.");
            }

            foreach (var saved in SavedRunCodec.Decode(snapshot.State.Span))
            {
                _slots[saved.Run.Value] = new RunSlot(RunState.FromSnapshot(saved, _runOptions)) { Sequence = snapshot.Sequence };
            }

            _snapshotSequence = snapshot.Sequence;
        }

        await foreach (var entry in journal.ReplayAsync(snapshot?.Sequence ?? 0, cancellationToken).ConfigureAwait(false))
        {
            if (entry is not { Type: RunEventCodec.JournalType, Version: RunEventCodec.JournalVersion })
            {
                throw new CheckpointerException(
                    ErrorCode.JournalCorrupt,
                    $"Journal entry {entry.Sequence} is of kind {entry.Type}.{entry.Version}, which this program does not know. Start the newer program.");
            }

            var decoded = RunEventCodec.Decode(entry.Payload.Span);
            if (!_slots.TryGetValue(decoded.Run.Value, out var slot))
            {
                _slots[decoded.Run.Value] = slot = new RunSlot(new RunState(decoded.Run, _runOptions));
            }

            slot.Sequence = entry.Sequence;
            foreach (var happened in decoded.Events)
            {
                slot.Apply(happened);
            }
        }
    }

    private async Task WaitAsync(long sequence, CancellationToken cancellationToken)
    {
        if (sequence == 0)
        {
            return;
        }

        try
        {
            await _journal!.WaitUntilDurableAsync(sequence, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is JournalException or ObjectDisposedException)
        {
            throw Unavailable(MayBeKept, e);
        }
    }

    private void ThrowIfUnusable()
    {
        if (_failure is not null || _journal is not { Completion.IsCompleted: false })
        {
            throw Unavailable("The service is not ready or is going down. Try again.", _failure);
        }
    }
}
