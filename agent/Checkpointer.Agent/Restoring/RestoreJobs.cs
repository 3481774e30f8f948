using Checkpointer.Agent.Hosting;
using Checkpointer.Agent.Joining;
using Checkpointer.Agent.Reporting;
using Checkpointer.Agent.Telemetry;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Agent.Restoring;

/// <summary>
/// The restores of this node's ranks, one at a time each. They go on while nobody waits; whoever asks again finds them.
/// The slot of a finished one is kept until the trainer begins a snapshot or joins anew. Thread-safe.
/// </summary>
internal sealed partial class RestoreJobs(
    Restorer restorer,
    Outboxes outboxes,
    AgentOptions options,
    AgentTelemetry telemetry,
    TimeProvider time,
    ILogger<RestoreJobs> logger) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(RunId, Rank), Job> _jobs = [];

    /// <summary>Starts the restore of <paramref name="grant"/>'s plan, or finds it, and waits for it at most <paramref name="wait"/>.</summary>
    public async Task<RestoreResponse> RestoreAsync(
        Grant grant, string layout, TimeSpan wait, CancellationToken cancellationToken)
    {
        if (grant.Plan.ResumeFrom is not { } checkpoint)
        {
            return new RestoreResponse { Done = true };
        }

        var running = Find(grant, layout, checkpoint).Running;
        try
        {
            var outcome = await running.WaitAsync(wait, time, cancellationToken);
            return new RestoreResponse
            {
                Done = true,
                Checkpoint = outcome.Checkpoint,
                Slot = outcome.Lease.Location,
                Extra = outcome.Extra,
                LocalMemoryBytes = outcome.Journal.BytesFrom(SourceKind.LocalMemory),
                PeerMemoryBytes = outcome.Journal.BytesFrom(SourceKind.PeerMemory),
                StorageBytes = outcome.Journal.BytesFrom(SourceKind.Storage),
            };
        }
        catch (TimeoutException)
        {
            return new RestoreResponse { Done = false };
        }
        catch (OperationCanceledException) when (running.IsCanceled && !cancellationToken.IsCancellationRequested)
        {
            throw new CheckpointerException(
                ErrorCode.StaleAttempt, $"Run {grant.Run} rank {grant.Rank}: the restore of attempt {grant.Attempt} was ended by a newer one.");
        }
    }

    /// <summary>The rank has moved on: its restored slot may be reused when the release rule lets it.</summary>
    public void Release(RunId run, Rank rank)
    {
        Job? job;
        lock (_gate)
        {
            // A running one goes on: a trainer that begins a snapshot meanwhile is refused by the arenas, not here.
            job = _jobs.TryGetValue((run, rank), out var known) && known.Running.IsCompleted && _jobs.Remove((run, rank))
                ? known
                : null;
        }

        job?.End();
    }

    /// <summary>A newer attempt was granted: restores of older ones end.</summary>
    public void EndOlder(RunId run, Rank rank, Attempt attempt)
    {
        Job? job;
        lock (_gate)
        {
            job = _jobs.TryGetValue((run, rank), out var known) && known.Attempt < attempt && _jobs.Remove((run, rank))
                ? known
                : null;
        }

        job?.End();
    }

    public async ValueTask DisposeAsync()
    {
        List<Job> jobs;
        lock (_gate)
        {
            jobs = [.. _jobs.Values];
            _jobs.Clear();
        }

        jobs.ForEach(job => job.End());
        await Task.WhenAll(jobs.Select(job => job.Ended));
    }

    private Job Find(Grant grant, string layout, CheckpointId checkpoint)
    {
        Job? old;
        Job job;
        lock (_gate)
        {
            if (_jobs.TryGetValue((grant.Run, grant.Rank), out old) && old.Attempt == grant.Attempt && old.Layout == layout
                && !old.Running.IsFaulted)
            {
                return old;
            }

            // One that failed is tried again when the trainer asks again: the world may have changed.
            job = new Job(grant.Attempt, layout, token => Task.Run(() => RunAsync(grant, checkpoint, token), CancellationToken.None));
            _jobs[(grant.Run, grant.Rank)] = job;
        }

        old?.End();
        return job;
    }

    private async Task<RestoreOutcome> RunAsync(Grant grant, CheckpointId checkpoint, CancellationToken cancellationToken)
    {
        using var span = AgentTelemetry.Spans.StartActivity("checkpointer.agent.restore");
        span?.SetTag("checkpointer.checkpoint", checkpoint.ToString());
        var started = time.GetTimestamp();
        var journal = new RestoreJournal(telemetry);
        try
        {
            var outcome = await restorer.RestoreAsync(grant, checkpoint, journal, cancellationToken);
            Report(grant, checkpoint, journal, succeeded: true, time.GetElapsedTime(started));
            return outcome;
        }
        catch (CheckpointerException e)
        {
            LogFailed(grant.Run, grant.Rank, checkpoint, e.Message);
            if (journal.Faults.Count == 0)
            {
                journal.Fault(grant.Rank, "this agent", e);
            }

            Report(grant, checkpoint, journal, succeeded: false, time.GetElapsedTime(started));
            throw;
        }
    }

    private void Report(
        Grant grant, CheckpointId checkpoint, RestoreJournal journal, bool succeeded, TimeSpan duration)
    {
        telemetry.RestoreEnded(succeeded, duration);
        if (succeeded)
        {
            LogRestored(grant.Run, grant.Rank, checkpoint, duration.TotalMilliseconds, journal.Faults.Count);
        }

        _ = outboxes.Add(grant.Run, new RestoreReport
        {
            Attempt = grant.Attempt,
            Rank = grant.Rank,
            Node = options.Node,
            Checkpoint = checkpoint,
            Succeeded = succeeded,
            LocalMemoryBytes = journal.BytesFrom(SourceKind.LocalMemory),
            PeerMemoryBytes = journal.BytesFrom(SourceKind.PeerMemory),
            StorageBytes = journal.BytesFrom(SourceKind.Storage),
            RestoreMs = duration.TotalMilliseconds,
            Faults = journal.Faults,
        });
    }

    private sealed class Job : IDisposable
    {
        private readonly CancellationTokenSource _cancellation = new();

        public Job(Attempt attempt, string layout, Func<CancellationToken, Task<RestoreOutcome>> run)
        {
            (Attempt, Layout) = (attempt, layout);
            Running = run(_cancellation.Token);
            Ended = ReleaseAtEndAsync();
        }

        public Attempt Attempt { get; }

        public string Layout { get; }

        public Task<RestoreOutcome> Running { get; }

        /// <summary>Ends, never with an error, when the job was ended and holds nothing any more.</summary>
        public Task Ended { get; }

        public void End() => _cancellation.Cancel();

        public void Dispose() => _cancellation.Dispose();

        private async Task ReleaseAtEndAsync()
        {
            var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var registration = _cancellation.Token.Register(() => ended.TrySetResult());
            await ended.Task;
            await ((Task)Running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (Running.IsCompletedSuccessfully)
            {
                (await Running).Lease.Dispose();
            }

            Dispose();
        }
    }
}
