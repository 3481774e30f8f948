using Checkpointer.Contracts.Stores;
using Checkpointer.Formats.Errors;
using Checkpointer.Service.Coordination;
using Checkpointer.Storage;
using Checkpointer.Storage.Probing;
using Checkpointer.Storage.Repository;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Service.Stores;

/// <summary>
/// Lets nothing be written to the store before it was proved to keep its contract and has the repository, which is the
/// one that the journal's checkpoints are in. A store that breaks the contract stops the service; one that is away, or is
/// another repository, only delays: everything that needs no store goes on meanwhile. Afterwards it looks at short
/// intervals whether the store is still there. Thread-safe.
/// </summary>
internal sealed partial class StoreGate : BackgroundService
{
    // Long enough for a store that is there, so that a broken one is told before anything else starts.
    private static readonly TimeSpan FirstProbe = TimeSpan.FromSeconds(3);

    private const string NotHere = "Nothing is written here. Start the service with the store that has them; or, to begin anew in "
        + "this one, with an empty data folder.";

    private static readonly TimeSpan ProbeAgainAfter = TimeSpan.FromSeconds(2);

    private readonly TaskCompletionSource _tried = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Random _random;
    private readonly RunHost _host;
    private readonly IObjectStore _store;
    private readonly TimeProvider _time;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly ILogger<StoreGate> _logger;
    private readonly RepositoryWatch _watch;
    private volatile string? _shut = "it has not been probed yet";
    private volatile TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile string? _repository;
    private TimeSpan? _skew;

    public StoreGate(
        RunHost host,
        IObjectStore store,
        NewRandom newRandom,
        TimeProvider time,
        IHostApplicationLifetime lifetime,
        ILogger<StoreGate> logger)
    {
        _random = newRandom();
        (_host, _store, _time, _lifetime, _logger) = (host, store, time, lifetime, logger);
        _watch = new RepositoryWatch(store, time);
    }

    /// <summary>The id of the repository; null while the store may not be written to.</summary>
    public string? Repository => _opened.Task.IsCompletedSuccessfully ? _repository : null;

    /// <summary>The store's own description.</summary>
    public string Store => _store.Description;

    /// <summary>Returns once the store may be written to. To be asked before each piece of work: another store may turn up under its name.</summary>
    public Task OpenAsync(CancellationToken cancellationToken) => _opened.Task.WaitAsync(cancellationToken);

    /// <summary>How the store was when last looked at.</summary>
    public StoreStatus Describe()
    {
        var (status, age) = (_watch.Current, _watch.Age);
        var problem = _shut ?? _watch.Staleness ?? status.Problem;
        return new StoreStatus
        {
            Description = _store.Description,
            Ready = problem is null && status.State == RepositoryState.Present,
            Repository = status.Identity?.Id,
            Problem = problem,
            AgeSeconds = age?.TotalSeconds,
            ClockSkewSeconds = _skew?.TotalSeconds,
        };
    }

    /// <summary>Begins to probe; throws if the store is found broken before long.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await base.StartAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await _tried.Task.WaitAsync(FirstProbe, _time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            LogWaiting(_store.Description, "it does not answer");
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            string? last = null;
            while (await TryOpenAsync(stoppingToken).ConfigureAwait(false) is { } why)
            {
                if (last != why.Cause)
                {
                    LogWaiting(_store.Description, why.Problem);
                }

                (_shut, last) = why;
                _ = _tried.TrySetResult();
                await Task.Delay(ProbeAgainAfter, _time, stoppingToken).ConfigureAwait(false);
            }
        }
        catch (StoreBrokenException e)
        {
            _shut = e.Message;
            if (!_tried.TrySetException(e))
            {
                // The service runs already: it ends as it would have begun.
                LogBroken(e.Message);
                _lifetime.StopApplication();
            }

            return;
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            return;
        }

        _shut = null;
        LogOpened(_store.Description, _repository!);
        _opened.SetResult();
        _ = _tried.TrySetResult();

        // If another part keeps the service from starting, the host takes the end of this for a failure of its own.
        await _watch.RunAsync(RepositoryWatch.Interval, Tell, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>
    /// Null once it is open; otherwise why not yet, and the same without what differs each time: a cause is logged once.
    /// </summary>
    private async Task<(string Problem, string Cause)?> TryOpenAsync(CancellationToken cancellationToken)
    {
        try
        {
            // Before anything is written: a store that is not the journal's is left as it is.
            var bound = _host.BoundRepository;
            if (await ExplainIfOtherAsync(bound, cancellationToken).ConfigureAwait(false) is { } other)
            {
                return Constant(other);
            }

            var report = await new StoreProbe(_store, _time, _random)
                .RunAsync(new ProbeOptions(), cancellationToken).ConfigureAwait(false);
            if (report.FirstBroken is { } broken)
            {
                throw new StoreBrokenException(
                    $"The object store ({_store.Description}) cannot hold checkpoints: {broken.Problem} {broken.Remedy}");
            }

            // What is left over is no reason to wait.
            if (report.FirstUnavailable is { Check: not ProbeCheck.Cleanup } away)
            {
                return (away.Problem!, away.Cause ?? away.Problem!);
            }

            _skew = report.ClockSkew;
            foreach (var warning in report.Results.Where(result => result.Outcome == ProbeOutcome.Warned))
            {
                LogWarning(_store.Description, warning.Problem!, warning.Remedy!);
            }

            var identity = bound is null
                ? await RepositoryIdentity.EnsureAsync(_store, _random, cancellationToken).ConfigureAwait(false)
                : new RepositoryIdentity { Id = bound.Repository };
            _repository = identity.Id;
            if (!await _host.TryChooseRepositoryAsync(identity.Id, _store.Description, cancellationToken).ConfigureAwait(false))
            {
                return Constant(ExplainIfOther(identity, _host.BoundRepository!));
            }

            var status = await _watch.CheckAsync(cancellationToken).ConfigureAwait(false);
            return status.State == RepositoryState.Present
                ? Constant(ExplainIfOther(status.Identity, Chosen))
                : (status.Problem!, status.Cause ?? status.Problem!);
        }
        catch (CheckpointerException e) when (e is not StoreBrokenException)
        {
            return (e.Message, e.Cause);
        }
    }

    private static (string Problem, string Cause)? Constant(string? why) => why is null ? null : (why, why);

    private RepositoryChoice Chosen => new() { At = default, Repository = _repository!, Store = _store.Description };

    private async Task<string?> ExplainIfOtherAsync(RepositoryChoice? bound, CancellationToken cancellationToken)
    {
        if (bound is not null)
        {
            return ExplainIfOther(await RepositoryIdentity.FindAsync(_store, cancellationToken).ConfigureAwait(false), bound);
        }

        if (_host.UnboundCommit is not { } newest)
        {
            return null;
        }

        var manifest = RepositoryKeys.Manifest(newest.Run, newest.Checkpoint);
        return await _store.HeadAsync(manifest, cancellationToken).ConfigureAwait(false) is not null
            ? null
            : $"it lacks '{manifest}', the checkpoint that this service's journal committed last. {NotHere}";
    }

    /// <summary>Null if <paramref name="found"/> is the repository that the checkpoints are in.</summary>
    private static string? ExplainIfOther(RepositoryIdentity? found, RepositoryChoice wanted) => found?.Id == wanted.Repository
        ? null
        : (found is null ? "it has no repository" : $"it is repository {found.Id}")
            + $", but the checkpoints of this service's journal are in repository {wanted.Repository} ({wanted.Store}). {NotHere}";

    private void Tell(RepositoryStatus status)
    {
        var other = status.State is RepositoryState.Present or RepositoryState.Absent
            ? ExplainIfOther(status.State == RepositoryState.Absent ? null : status.Identity, Chosen)
            : null;
        _shut = other;
        if (other is not null)
        {
            if (_opened.Task.IsCompleted)
            {
                _opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            LogGone(_store.Description, other);
        }
        else if (status.State == RepositoryState.Present)
        {
            _ = _opened.TrySetResult();
            LogBack(_store.Description, status.Identity!.Id);
        }
        else
        {
            LogGone(_store.Description, status.Problem!);
        }
    }
}
