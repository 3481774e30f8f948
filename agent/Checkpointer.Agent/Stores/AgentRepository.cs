using Checkpointer.Contracts.Agents;
using Checkpointer.Storage;
using Checkpointer.Storage.Repository;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Stores;

/// <summary>
/// Which repository this agent's store is, and whether it is there: looked at in the background at short intervals. An
/// agent never makes one; without it memory serves on and drains wait. Thread-safe.
/// </summary>
internal sealed partial class AgentRepository(IObjectStore store, TimeProvider time, ILogger<AgentRepository> logger)
    : BackgroundService
{
    private readonly RepositoryWatch _watch = new(store, time);
    private volatile string? _services;

    /// <summary>What the service is told of the store; null before the first look.</summary>
    public AgentStore? Presence => _watch.Current is { State: not RepositoryState.Unknown } status
        ? new AgentStore
        {
            Description = store.Description,
            Reachable = status.State is RepositoryState.Present or RepositoryState.Absent,
            Repository = status.State == RepositoryState.Absent ? null : status.Identity?.Id,
        }
        : null;

    /// <summary>Why the store cannot be used; null if it can.</summary>
    public string? Problem
    {
        get
        {
            var (status, age) = (_watch.Current, _watch.Age);
            if (age is null)
            {
                return "it has not been looked at yet";
            }

            if (_watch.Staleness is { } stale)
            {
                return stale;
            }

            return status.State switch
            {
                RepositoryState.Absent =>
                    $"{status.Problem}. The service makes it when it starts: check that both use the same store",
                RepositoryState.Present when Mismatch(status) is { } mismatch => mismatch,
                _ => status.Problem,
            };
        }
    }

    /// <summary>The store's own description.</summary>
    public string Store => store.Description;

    /// <summary>
    /// Looks now if the last look found no repository, so that a rank's join is not refused for old news. Returns after
    /// <paramref name="atMost"/> in any case: a join does not wait for a store.
    /// </summary>
    public async Task RefreshAsync(TimeSpan atMost, CancellationToken cancellationToken)
    {
        if (_watch.Current.State is not (RepositoryState.Unknown or RepositoryState.Absent))
        {
            return;
        }

        using var timeout = new CancellationTokenSource(atMost, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            _ = await _watch.CheckAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The join says what was known before.
        }
    }

    /// <summary>The service says which repository it uses.</summary>
    public void Compare(string? services)
    {
        var before = _services;
        _services = services ?? before;
        if (_services != before && Mismatch(_watch.Current) is { } mismatch)
        {
            LogMismatch(store.Description, mismatch);
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        _watch.RunAsync(RepositoryWatch.Interval, Tell, stoppingToken);

    private string? Mismatch(RepositoryStatus status) =>
        _services is { } services && status.Identity is { } ours && ours.Id != services
            ? $"it is repository {ours.Id}, the service uses {services}; start the agent with the service's store"
            : null;

    private void Tell(RepositoryStatus status)
    {
        switch (status.State)
        {
            case RepositoryState.Present when Mismatch(status) is { } mismatch:
                LogMismatch(store.Description, mismatch);
                break;
            case RepositoryState.Present:
                LogThere(store.Description, status.Identity!.Id);
                break;
            default:
                LogGone(store.Description, Problem ?? "");
                break;
        }
    }

    [LoggerMessage(360, LogLevel.Information, "The object store ({Store}) is there; it is repository {Repository}")]
    private partial void LogThere(string store, string repository);

    [LoggerMessage(361, LogLevel.Warning, "The object store ({Store}) cannot be used, drains wait for it: {Problem}")]
    private partial void LogGone(string store, string problem);

    [LoggerMessage(362, LogLevel.Error, "The object store ({Store}) is not the service's, which lets no rank of this node join: {Problem}")]
    private partial void LogMismatch(string store, string problem);
}
