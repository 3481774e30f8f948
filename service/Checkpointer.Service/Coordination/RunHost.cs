using System.Diagnostics;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Hosting;
using Checkpointer.Service.Journal;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Runs.Commands;
using Checkpointer.Service.Runs.Events;
using Checkpointer.Service.Stores;
using Checkpointer.Service.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Coordination;

/// <summary>
/// The shell around the pure core: decides commands one at a time, journals what they come to, and answers when that is
/// durable. What is read of a run waits likewise, so nobody ever sees what a crash could take back. Thread-safe.
/// </summary>
internal sealed partial class RunHost : IHostedService, IAsyncDisposable
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
    private (RepositoryChoice Choice, long Sequence)? _repository;
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

    public async Task StopAsync(CancellationToken cancellationToken) => await DisposeAsync().ConfigureAwait(false);

    /// <summary>Closes the journal, also if what starts after it failed: nobody is asked to stop then.</summary>
    public async ValueTask DisposeAsync()
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
            LogFailed(e, slot.State.Run);
            Fail(e);
            throw;
        }
    }

    /// <summary>Ends all work after a failed append. Throws if it is the journal's fault; whatever else it is goes on to the caller.</summary>
    private void Fail(Exception failure)
    {
        // The journal and the state may say different things now; only a replay makes them one again.
        _failure = failure;
        _ = _failed.TrySetException(failure);

        // To the caller a journal that fails is a service that is down: what was asked is asked again of the next one.
        if (failure is JournalException or ObjectDisposedException)
        {
            throw Unavailable(MayBeKept, failure);
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
