using System.Text.Json;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Coordination;
using Checkpointer.Service.Hosting;
using Checkpointer.Service.Runs;
using Checkpointer.Service.Stores;
using Checkpointer.Storage;
using Checkpointer.Storage.CrashPoints;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Attempts;

/// <summary>
/// Puts the record of every granted attempt beside the run's checkpoints, so that the bucket alone tells who ran and from
/// where. Nobody waits for it; after a restart the kept attempts are gone over again.
/// </summary>
internal sealed partial class AttemptRecorder(
    RunHost host,
    IObjectStore store,
    StoreGate gate,
    RunChanges changes,
    ServiceOptions options,
    TimeProvider timeProvider,
    ILogger<AttemptRecorder> logger) : BackgroundService
{
    private readonly RunChanges.Subscription _changes = changes.Subscribe();

    // The newest attempt of each run whose record, and those of all before it, are in the store.
    private readonly Dictionary<RunId, int> _recorded = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            foreach (var run in await _changes.NextAsync(stoppingToken).ConfigureAwait(false))
            {
                await gate.OpenAsync(stoppingToken).ConfigureAwait(false);
                await RecordAsync(run, stoppingToken).ConfigureAwait(false);
            }
        }
    }

    private static List<AttemptSummary> Missing(RunState state, int recorded)
    {
        var missing = new List<AttemptSummary>();
        for (var value = state.CurrentAttempt?.Value ?? 0; value > recorded; value--)
        {
            // What a run keeps of older attempts is no longer their whole record.
            if (missing.Count == RunLimits.MaxDetailedAttempts || state.FindAttempt(new Attempt(value)) is not { } attempt)
            {
                break;
            }

            if (attempt.Attempt == state.CurrentAttempt && state.Attempts.Restoring is { Impossible: null })
            {
                // What it resumed from is not settled before all ranks have restored.
                continue;
            }

            // Only what is fixed then, so that every repeat writes the same bytes.
            missing.Add(attempt with { Restores = [], FirstStepAt = null });
        }

        missing.Reverse();
        return missing;
    }

    private async Task RecordAsync(RunId run, CancellationToken cancellationToken)
    {
        var recorded = _recorded.GetValueOrDefault(run);
        foreach (var attempt in await host.ReadAsync(run, state => Missing(state, recorded), cancellationToken).ConfigureAwait(false))
        {
            CrashPoint.Reach(CrashPointNames.AttemptGranted);
            try
            {
                var bytes = JsonSerializer.SerializeToUtf8Bytes(attempt, ContractsJsonContext.Default.AttemptSummary);
                _ = await store.PutIfAbsentOrVerifyAsync(
                    RepositoryKeys.AttemptRecord(run, attempt.Attempt), bytes, cancellationToken).ConfigureAwait(false);
                CrashPoint.Reach(CrashPointNames.AttemptRecorded);
                _recorded[run] = attempt.Attempt.Value;
            }
            catch (CheckpointerException e) when (e.Code == ErrorCode.CheckpointConflict)
            {
                // Another service or another program wrote it. Nothing here rests on it, and repeating changes nothing.
                LogOther(e, run, attempt.Attempt);
                _recorded[run] = attempt.Attempt.Value;
            }
            catch (CheckpointerException e)
            {
                LogDeferred(e, run, attempt.Attempt);
                _ = RemindAsync(run, cancellationToken);
                return;
            }
        }
    }

    private async Task RemindAsync(RunId run, CancellationToken cancellationToken)
    {
        await Task.Delay(options.CommitRetryDelay, timeProvider, cancellationToken)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _changes.Mark(run);
    }

    [LoggerMessage(1310, LogLevel.Warning, "The record of attempt {Attempt} of run {Run} could not be stored yet; it is tried again")]
    private partial void LogDeferred(Exception exception, RunId run, Attempt attempt);

    [LoggerMessage(1311, LogLevel.Error, "The store has another record of attempt {Attempt} of run {Run} than the one to store: does another service use it?")]
    private partial void LogOther(Exception exception, RunId run, Attempt attempt);
}
