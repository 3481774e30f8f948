using System.Collections.Concurrent;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Hosting;
using Checkpointer.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Coordination;

/// <summary>
/// Holds the journal against the store before a run's first join since the start is decided. A journal that was deleted, is
/// older than the store, or belongs to another service would grant attempt numbers a second time, and the run would start
/// from scratch or from an older step without a word. Thread-safe.
/// </summary>
internal sealed partial class LostJournalGuard(
    RunHost host,
    IObjectStore store,
    ServiceOptions options,
    TimeProvider timeProvider,
    IHostApplicationLifetime lifetime,
    ILogger<LostJournalGuard> logger)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    // One look at the store at a time for each run, however many ranks join.
    private readonly ConcurrentDictionary<RunId, Lazy<Task>> _running = [];

    // Only runs that the journal knows, of which there are at most CoordinationLimits.MaxRuns.
    private readonly ConcurrentDictionary<RunId, bool> _passed = [];

    /// <summary>
    /// Returns when a join of <paramref name="run"/> may be decided. Throws <c>journal_lost</c> if the store has what the
    /// journal does not know, and <c>storage_unavailable</c>, transient, if that cannot be found out of a run that is new.
    /// A known run goes on without the store, which a restore from memory does not need.
    /// </summary>
    public Task EnsureAsync(RunId run, CancellationToken cancellationToken) => _passed.ContainsKey(run)
        ? Task.CompletedTask
        : _running.GetOrAdd(run, added => new Lazy<Task>(() => CheckAsync(added))).Value.WaitAsync(cancellationToken);

    private async Task CheckAsync(RunId run)
    {
        using var timeout = new CancellationTokenSource(Timeout, timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, lifetime.ApplicationStopping);
        try
        {
            var (known, current) = await CurrentAsync(run, either.Token).ConfigureAwait(false);
            await (known ? CheckKnownAsync(run, current, either.Token) : CheckNewAsync(run, either.Token)).ConfigureAwait(false);
        }
        catch (OperationCanceledException e)
        {
            throw timeout.IsCancellationRequested
                ? new CheckpointerException(
                    ErrorCode.StorageUnavailable,
                    $"Whether {store.Description} has anything of run '{run}' could not be found out within {Timeout}. Try again.",
                    isTransient: true,
                    e)
                : new CheckpointerException(ErrorCode.ServiceUnavailable, "The service is going down. Try again.", isTransient: true, e);
        }
        finally
        {
            _ = _running.TryRemove(run, out _);
        }
    }

    private async Task CheckNewAsync(RunId run, CancellationToken cancellationToken)
    {
        await foreach (var found in store.ListAsync(RepositoryKeys.Run(run), cancellationToken).ConfigureAwait(false))
        {
            // Known by now: others of its ranks were let in while this looked, and what was found is of their attempt.
            if ((await CurrentAsync(run, cancellationToken).ConfigureAwait(false)).Known)
            {
                return;
            }

            throw Lost(run, $"does not know run '{run}'", found.Key);
        }
    }

    private async Task CheckKnownAsync(RunId run, Attempt? current, CancellationToken cancellationToken)
    {
        // Attempts are recorded in the order in which they were granted, each after it was journaled.
        var next = current?.Next ?? new Attempt(Attempt.MinValue);
        var key = RepositoryKeys.AttemptRecord(run, next);
        try
        {
            if (await store.HeadAsync(key, cancellationToken).ConfigureAwait(false) is not null
                && !((await CurrentAsync(run, cancellationToken).ConfigureAwait(false)).Current >= next))
            {
                throw Lost(run, $"knows of no attempt {next} of run '{run}'", key);
            }
        }
        catch (Exception e) when (e is CheckpointerException { Code: not ErrorCode.JournalLost }
            || (e is OperationCanceledException && !lifetime.ApplicationStopping.IsCancellationRequested))
        {
            LogUnchecked(e, run);
            return;
        }

        _passed[run] = true;
    }

    private Task<(bool Known, Attempt? Current)> CurrentAsync(RunId run, CancellationToken cancellationToken) =>
        host.TryReadAsync(run, static state => state.CurrentAttempt, cancellationToken);

    private CheckpointerException Lost(RunId run, string what, ObjectKey found)
    {
        LogLost(run, found);
        return new(
            ErrorCode.JournalLost,
            $"The journal in '{options.DataPath}' {what}, but {store.Description} has '{found}': it is not the journal that "
            + "the run was kept in, or an older copy. No rank is let in, because the run would go back or start from scratch "
            + "under attempt numbers that were granted before. Start the service on the data folder that the run was kept "
            + "in, or restore that from its newest backup; nothing in the store is harmed. To train from scratch, take "
            + "another run name.");
    }

    [LoggerMessage(1220, LogLevel.Critical, "The journal does not know of {Key} in the store: no rank of run {Run} is let in")]
    private partial void LogLost(RunId run, ObjectKey key);

    [LoggerMessage(1221, LogLevel.Warning, "The journal could not be held against the store for run {Run}; the next join tries again")]
    private partial void LogUnchecked(Exception exception, RunId run);
}
