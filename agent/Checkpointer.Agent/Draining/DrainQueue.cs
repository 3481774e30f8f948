using System.Diagnostics;
using System.Threading.Channels;
using Checkpointer.Agent.Arenas;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Storage;
using Checkpointer.Storage.CrashPoints;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Draining;

/// <summary>
/// Drains images in the background: those of one rank one after the other, oldest first (so that each finds the one
/// before it), those of different ranks independently. A drain ends when the service has acknowledged it, when it is
/// given up, or when its bytes are damaged; an outage of storage or service only makes it late.
/// </summary>
internal sealed partial class DrainQueue : BackgroundService
{
    // More slots than any node has.
    private const int MaxWaiting = 1 << 16;

    private readonly Channel<DrainJob> _jobs = Channel.CreateBounded<DrainJob>(
        new BoundedChannelOptions(MaxWaiting) { SingleReader = true });

    private readonly Dictionary<(RunId Run, Rank Rank), Task> _tails = [];
    private readonly TaskCompletionSource _fault = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IObjectStore _store;
    private readonly IShardReporter _reporter;
    private readonly IRunProgressSource _progressSource;
    private readonly DrainingOptions _options;
    private readonly EngineTelemetry _telemetry;
    private readonly TimeProvider _time;
    private readonly ILogger<DrainQueue> _logger;
    private int _pending;

    public DrainQueue(
        IObjectStore store,
        IShardReporter reporter,
        IRunProgressSource progressSource,
        DrainingOptions options,
        EngineTelemetry telemetry,
        TimeProvider time,
        ILogger<DrainQueue> logger)
    {
        options.Validate();
        (_store, _reporter, _progressSource, _options) = (store, reporter, progressSource, options);
        (_telemetry, _time, _logger) = (telemetry, time, logger);
    }

    /// <summary>Drains that wait or run.</summary>
    public int PendingCount => Volatile.Read(ref _pending);

    /// <summary>Jobs that wait to be started. Read by one: the queue's own loop, unless that is not started.</summary>
    public ChannelReader<DrainJob> Waiting => _jobs.Reader;

    /// <summary>Queues a drain; takes the job's lease over.</summary>
    public void Enqueue(DrainJob job)
    {
        Interlocked.Increment(ref _pending);
        Invariant.Holds(_jobs.Writer.TryWrite(job));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                var more = Waiting.WaitToReadAsync(stoppingToken).AsTask();

                // A bug in a drain ends this loop, and with it the process: better than a rank that never drains again.
                await await Task.WhenAny(more, _fault.Task);
                while (Waiting.TryRead(out var job))
                {
                    Start(job, stoppingToken);
                }
            }
        }
        finally
        {
            await Task.WhenAll(_tails.Values);
        }
    }

    private void Start(DrainJob job, CancellationToken stoppingToken)
    {
        foreach (var ended in _tails.Where(tail => tail.Value.IsCompleted).Select(tail => tail.Key).ToArray())
        {
            _tails.Remove(ended);
        }

        var key = (job.Lease.Run, job.Lease.Rank);
        _tails[key] = RunAsync(_tails.GetValueOrDefault(key, Task.CompletedTask), job, stoppingToken);
    }

    private async Task RunAsync(Task before, DrainJob job, CancellationToken stoppingToken)
    {
        await before;
        using var lease = job.Lease;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, job.GivenUp);
        try
        {
            var (state, error, why) = await DrainAsync(job, ending.Token);
            job.Pool.EndDrain(lease.Slot, state, error, why);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // Given up: the pool knows. Stopping: the header says pending, and the next process goes on.
        }
        catch (CheckpointerException e)
        {
            job.Pool.EndDrain(lease.Slot, DrainState.GivenUp, e.Code, e.Message);
        }
        catch (Exception e)
        {
            _fault.TrySetException(e);
        }
        finally
        {
            Interlocked.Decrement(ref _pending);
        }
    }

    private async Task<(DrainState State, ErrorCode Error, string Why)> DrainAsync(
        DrainJob job, CancellationToken cancellationToken)
    {
        CrashPoint.Reach(CrashPointNames.DrainBegun);
        var begun = _time.GetTimestamp();
        var shard = await StoreAsync(job, cancellationToken);
        var took = _time.GetElapsedTime(begun);
        _telemetry.Drained(shard.PackBytes, shard.ReusedBytes, took);
        for (var round = 0; ; round++)
        {
            var report = ToReport(job, shard, took);
            switch (await _reporter.ReportAsync(job.Lease.Run, report, cancellationToken))
            {
                case ShardOutcome.Acknowledged:
                    CrashPoint.Reach(CrashPointNames.DrainReported);
                    return (DrainState.Durable, default, "");
                case ShardOutcome.Refused:
                    return (
                        DrainState.GivenUp, ErrorCode.CheckpointConflict, $"The service refused the shard of {report.Checkpoint}.");
                case ShardOutcome.StaleAttempt:
                    if (await IsFencedOutAsync(job, report.Attempt, cancellationToken))
                    {
                        return (
                            DrainState.GivenUp,
                            ErrorCode.StaleAttempt,
                            $"Attempt {report.Attempt} was fenced out before the shard of {report.Checkpoint} was reported.");
                    }

                    await Task.Delay(DelayAfter(round, job.Lease.Rank), _time, cancellationToken);
                    break;
                default:
                    throw new UnreachableException();
            }
        }
    }

    /// <summary>Whether the snapshot is lost to a newer attempt, or that one goes on with it and reports it as its own.</summary>
    private async Task<bool> IsFencedOutAsync(DrainJob job, Attempt reported, CancellationToken cancellationToken)
    {
        if (job.Pool.WriterOf(job.Lease.Checkpoint) > reported)
        {
            return false;
        }

        if (await _progressSource.FetchAsync(job.Lease.Run, cancellationToken) is not { } progress)
        {
            return false;
        }

        job.Pool.Observe(progress);
        return progress.Attempt > reported && job.Pool.WriterOf(job.Lease.Checkpoint) <= reported;
    }

    private async Task<StoredShard> StoreAsync(DrainJob job, CancellationToken cancellationToken)
    {
        var drain = new ShardDrain(_store, job.Lease, _options);
        for (var round = 0; ; round++)
        {
            try
            {
                job.Pool.MarkDrain(job.Lease.Slot, waits: round > 0);
                return await drain.RunAsync(job.Pool.Progress?.Committed, cancellationToken);
            }
            catch (CheckpointerException e) when (DrainFailures.IsOfStorage(e))
            {
                // The resilient store has tried in vain, within its own deadline. What is put stays put; the rest waits for
                // better days, however long: the training goes on, and the service gives the checkpoint up if it must.
                var delay = DelayAfter(round, job.Lease.Rank, e.RetryAfter);
                LogStorageFailed(
                    job.Lease.Run, job.Lease.Rank, job.Lease.Checkpoint, delay, e.Message, DrainFailures.AdviceOn(e));
                _telemetry.DrainRetried();
                job.Pool.MarkDrain(job.Lease.Slot, waits: true);
                await Task.Delay(delay, _time, cancellationToken);
            }
        }
    }

    /// <summary>
    /// Doubles each time, and is not less than <paramref name="asked"/> within bounds; spread by rank over its upper half, so
    /// that a thousand ranks do not come back at the same instant.
    /// </summary>
    private TimeSpan DelayAfter(int round, Rank rank, TimeSpan? asked = null)
    {
        const int Spread = 16;
        var delay = _options.RetryDelay * Math.Pow(2, Math.Min(round, 30));
        delay = asked is { } wait && wait * 2 > delay ? wait * 2 : delay;
        delay = delay < _options.MaxRetryDelay ? delay : _options.MaxRetryDelay;
        return delay * (0.5 + (0.5 * (rank.Value % Spread) / Spread));
    }

    private static ShardReport ToReport(DrainJob job, StoredShard shard, TimeSpan took) => new()
    {
        Attempt = job.Pool.WriterOf(job.Lease.Checkpoint),
        Checkpoint = job.Lease.Checkpoint,
        Rank = job.Lease.Rank,
        IndexSha256 = shard.IndexSha256,
        IndexBytes = shard.IndexBytes,
        Image = job.Lease.Seal.Image,
        StoredBytes = job.Lease.Layout.StoredBytes,
        PackBytes = shard.PackBytes,
        DrainMs = took.TotalMilliseconds,
    };
}
